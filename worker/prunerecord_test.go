package worker

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"muster/topics"
)

func TestPruneRecord(t *testing.T) {
	const early, late = "01ARZ3NDEKTSV4RRFFQ69G5FAV", "01BRZ3NDEKTSV4RRFFQ69G5FAV"
	at := func(group, epoch string, id int64) topics.Config {
		return topics.Config{Version: topics.Version{Epoch: epoch}, Content: topics.Content{DeviceGroup: group, PruneID: id}}
	}
	five := pruneRecord{}.followed(at("g", early, 5))
	for name, c := range map[string]struct {
		record pruneRecord
		config topics.Config
		asks   bool
	}{
		"the first config":                {pruneRecord{}, at("g", early, 5), false},
		"the same":                        {five, at("g", early, 5), false},
		"a greater one":                   {five, at("g", early, 6), true},
		"several at once":                 {five, at("g", early, 9), true},
		"a lower one":                     {five, at("g", early, 1), false},
		"one after a lower one":           {five.followed(at("g", early, 1)), at("g", early, 2), true},
		"another group":                   {five, at("h", early, 9), false},
		"one after another group":         {five.followed(at("h", early, 9)), at("h", early, 10), true},
		"back in the group":               {five.followed(at("h", early, 9)), at("g", early, 6), false},
		"a newer epoch":                   {five, at("g", late, 9), false},
		"one after the first of an epoch": {five.followed(at("g", late, 9)), at("g", late, 10), true},
	} {
		if got := c.record.asks(c.config); got != c.asks {
			t.Errorf("%s: asks = %v, want %v", name, got, c.asks)
		}
	}
}

func TestPruneRecordOnDisk(t *testing.T) {
	dir := t.TempDir()
	if r, err := loadPruneRecord(dir); err != nil || r != (pruneRecord{}) {
		t.Errorf("without a file: %+v, %v", r, err)
	}
	want := pruneRecord{DeviceGroup: "g", Epoch: "e", PruneID: 3, Last: &topics.Pruned{PruneID: 3, At: time.Unix(1e9, 0).UTC(), Images: 2, Bytes: 9}}
	if err := want.save(dir); err != nil {
		t.Fatal(err)
	}
	got, err := loadPruneRecord(dir)
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Errorf("read back: %v\n%s", err, d)
	}
	if err := os.WriteFile(filepath.Join(dir, pruneFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r, err := loadPruneRecord(dir); err == nil || r != (pruneRecord{}) {
		t.Errorf("from a broken file: %+v, %v, want an error", r, err)
	}
}
