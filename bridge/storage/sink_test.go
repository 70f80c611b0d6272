package storage_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"muster/bridge"
	"muster/bridge/storage"
	"muster/manager/store"
	"muster/manager/store/sqlite"
	"muster/topics"
)

func openStore(t testing.TB) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "store.db"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// record is one as the spool gives it.
func record(offset uint64, device, payload string) bridge.Record {
	r := bridge.Read("muster/v1/devices/"+device+"/report", device, []byte(payload), received.Add(time.Duration(offset)*time.Millisecond))
	r.Offset = offset
	return r
}

func mustWrite(t *testing.T, s *storage.Sink, batch ...bridge.Record) {
	t.Helper()
	if err := s.Write(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
}

// stored are the reports of a store, by id.
func stored(t *testing.T, s storage.Store) map[string]string {
	t.Helper()
	page, err := s.Reports().Page(t.Context(), store.ReportQuery{}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, r := range page {
		all[r.ID] = string(r.Doc)
	}
	return all
}

func TestWrite(t *testing.T) {
	st := openStore(t)
	sink := storage.New(storage.Options{Store: st, Spool: "one"})
	batch := []bridge.Record{
		record(1, "d1", `{"device_group":"g","boot":"b","seq":1,"epoch":"01ARZ3NDEKTSV4RRFFQ69G5FAV","config_id":7,"phase":"settled","failing":[{"app":"web","code":"exited","reason":"r"}]}`),
		record(2, "d2", `no report`),
		record(3, "d1", `{"device_group":"g","boot":"b","seq":2,"epoch":"01ARZ3NDEKTSV4RRFFQ69G5FAV","config_id":7,"phase":"updating"}`),
		record(4, "d3", `{"at":"1970-01-01T00:00:00Z","seq":-1,"config_id":"x","phase":[],"device_group":"no group"}`),
		record(5, "d4", `{"device":"d5"}`),
	}
	want := map[string]string{}
	for _, i := range []int{0, 2, 3} {
		want[storage.ID("one", batch[i])] = string(batch[i].Payload)
	}
	// The second time is after a crash between the write and the cursor.
	for n := range int64(2) {
		mustWrite(t, sink, batch...)
		if diff := cmp.Diff(want, stored(t, st)); diff != "" {
			t.Fatalf("reports (-want +got):\n%s", diff)
		}
		if got := sink.LeftOut(); got["flawed"] != 2*(n+1) || got["refused"] != 0 {
			t.Errorf("left out: %v", got)
		}
	}
	d1, err := st.Devices().Get(t.Context(), "d1")
	if err != nil {
		t.Fatal(err)
	}
	wantD1 := store.Device{
		DeviceHead: store.DeviceHead{
			Device: "d1", DeviceGroup: "g", Version: topics.Version{Epoch: "01ARZ3NDEKTSV4RRFFQ69G5FAV", ConfigID: 7}, Phase: "updating",
			Labels: map[string]string{}, Reported: received.Add(3 * time.Millisecond), Changed: d1.Changed,
		},
		Report: batch[2].Payload, Boot: "b", Seq: 2, ReportKey: storage.ID("one", batch[2]),
		Events: []store.Event{
			{At: received.Add(time.Millisecond), Kind: "failing", App: "web", Text: "r"},
			{At: received.Add(time.Millisecond), Kind: "seen", Text: "the first report in device_group g"},
		},
	}
	if diff := cmp.Diff(wantD1, d1); diff != "" {
		t.Errorf("device (-want +got):\n%s", diff)
	}
	heads, err := st.Devices().Heads(t.Context(), "", 10)
	if err != nil || len(heads) != 2 || heads[1].Device != "d3" || heads[1].DeviceGroup != "" || !heads[1].IsZero() || heads[1].Phase != "" {
		t.Errorf("heads: %#v, %v", heads, err)
	}
}

func TestID(t *testing.T) {
	at := func(seconds int64, offset uint64) bridge.Record {
		return bridge.Record{Received: time.Unix(seconds, 999_000_000), Offset: offset}
	}
	id := storage.ID("one", at(1_700_000_000, 7))
	if want := "6553f100" + id[8:14] + "0000000007"; id != want {
		t.Errorf("got %s, want %s", id, want)
	}
	if other := storage.ID("two", at(1_700_000_000, 7)); other[8:14] == id[8:14] || other[:8] != id[:8] {
		t.Errorf("two spools have %s and %s", id, other)
	}
	rising := []bridge.Record{at(1_700_000_000, 1), at(1_700_000_000, 255), at(1_700_000_000, 256), at(1_700_000_000, 1<<40-1), at(1_700_000_001, 1), at(1<<32-1, 2)}
	for i := range rising[1:] {
		if a, b := storage.ID("one", rising[i]), storage.ID("one", rising[i+1]); a >= b {
			t.Errorf("%s comes after %s", a, b)
		}
	}
}

// A picky store refuses some reports, or fails.
type picky struct {
	storage.Store
	refuse  map[string]error
	failure error
}

func (p *picky) Reports() store.Reports { return &pickyReports{p.Store.Reports(), p} }

type pickyReports struct {
	store.Reports
	p *picky
}

func (r *pickyReports) Add(ctx context.Context, all []store.Report) error {
	if r.p.failure != nil {
		return r.p.failure
	}
	var taken []store.Report
	for _, one := range all {
		if r.p.refuse[one.ID] == nil {
			taken = append(taken, one)
		}
	}
	if err := r.Reports.Add(ctx, taken); err != nil || len(taken) == len(all) {
		return err
	}
	return fmt.Errorf("add: %w", &store.RefusedError{Reports: r.p.refuse})
}

// TestRefused has a store that never takes one of the reports: the others are stored, and the sink goes on.
func TestRefused(t *testing.T) {
	inner := openStore(t)
	bad := record(2, "bad", `{}`)
	st := &picky{Store: inner, refuse: map[string]error{storage.ID("one", bad): errors.New("a rule for documents")}}
	var log strings.Builder
	sink := storage.New(storage.Options{Store: st, Spool: "one", Log: slog.New(slog.NewTextHandler(&log, nil))})
	mustWrite(t, sink, record(1, "d1", `{}`), bad, record(3, "d2", `{}`))
	if got := stored(t, inner); len(got) != 2 {
		t.Errorf("stored: %v", got)
	}
	if got := sink.LeftOut(); got["flawed"] != 0 || got["refused"] != 1 || !strings.Contains(log.String(), "a rule for documents") {
		t.Errorf("left out: %v, log: %s", got, log.String())
	}
	for _, device := range []string{"d1", "bad", "d2"} {
		if _, err := inner.Devices().Get(t.Context(), device); err != nil {
			t.Error(err)
		}
	}

	st.failure = errors.New("the store is down")
	if err := sink.Write(t.Context(), []bridge.Record{record(4, "d3", `{}`)}); !errors.Is(err, st.failure) {
		t.Errorf("got %v, want that the store is down", err)
	}
	if _, err := inner.Devices().Get(t.Context(), "d3"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a device without a report: %v", err)
	}
	// What is no report needs no store.
	mustWrite(t, sink, record(5, "d4", `x`))
	if err := inner.Close(); err != nil {
		t.Fatal(err)
	}
	st.failure = nil
	if err := sink.Write(t.Context(), []bridge.Record{record(6, "d5", `{}`)}); err == nil {
		t.Error("a closed store has taken a report")
	}
}
