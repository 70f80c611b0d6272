package sqlite

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"muster/manager/store"
)

// TestDevicePlans asks SQLite how it would find pages of devices: from where the page begins, without sorting.
func TestDevicePlans(t *testing.T) {
	s := mustOpen(t, path(t))
	for clause, want := range map[string]string{
		afterName:   "SEARCH d USING PRIMARY KEY (name>?)",
		afterChange: "SEARCH d USING INDEX devices_changed ((changed,name)>(?,?))",
	} {
		var plan []string
		err := each(t.Context(), s.reads, `EXPLAIN QUERY PLAN SELECT `+deviceColumns+` FROM devices d `+clause, func(rows *sql.Rows) error {
			var id, parent, unused int
			var step string
			err := rows.Scan(&id, &parent, &unused, &step)
			plan = append(plan, step)
			return err
		}, []any{"a", "b", 10}[3-strings.Count(clause, "?"):]...)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(plan, "; "); got != want {
			t.Errorf("%s: %s, want %s", clause, got, want)
		}
	}
}

// BenchmarkDeviceHeads reads all of 100,000 devices with reports of 2 KB in pages of 1,000, as a manager that starts does.
func BenchmarkDeviceHeads(b *testing.B) {
	s := mustOpen(b, path(b))
	const many = 100_000
	report, err := json.Marshal(map[string]string{"x": strings.Repeat("x", 2000)})
	if err != nil {
		b.Fatal(err)
	}
	for at := 0; at < many; at += 1000 {
		var list []store.Sighting
		for n := at; n < at+1000; n++ {
			head := store.DeviceHead{Device: fmt.Sprintf("device-%06d", n), DeviceGroup: "g", Phase: "settled", Reported: time.UnixMilli(1_700_000_000_000)}
			list = append(list, store.Sighting{Head: head, Report: report, Boot: "b", Seq: 1})
		}
		err := s.Devices().Observe(b.Context(), list, func(store.Device, store.Sighting) []store.Event { return nil })
		if err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		after, got := "", 0
		for {
			page, err := s.Devices().Heads(b.Context(), after, 1000)
			if err != nil {
				b.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			after, got = page[len(page)-1].Device, got+len(page)
		}
		if got != many {
			b.Fatalf("%d heads", got)
		}
	}
}
