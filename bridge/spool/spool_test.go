package spool_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"muster/bridge"
	"muster/bridge/spool"
)

func TestRecordsComeBackAsTheyWere(t *testing.T) {
	path := pathIn(t)
	want := []bridge.Record{
		{Received: start, Topic: "muster/v1/devices/d1/report", Device: "d1", Group: "g", ReportID: "b-7", Boot: "b", Seq: 7, Payload: []byte(`{"seq":7}`)},
		{Received: time.Date(1969, 1, 1, 0, 0, 0, 0, time.UTC), Topic: "t", Device: "d2", Seq: -1, Payload: []byte{0, 255, 1}, Flaw: "no report"},
		{Received: start, Topic: "t", Device: "d3", Payload: []byte{}},
		{Received: start, Topic: "t", Device: "d4", Payload: []byte(strings.Repeat("x", 200_000))},
	}
	s := openAt(t, path, "store")
	appendAll(t, s, want...)
	for i := range want {
		want[i].Offset = uint64(i) + 1
	}
	if diff := cmp.Diff(want, read(t, s, "store", 10)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, read(t, openAt(t, path, "store"), "store", 10)); diff != "" {
		t.Errorf("after a restart (-want +got):\n%s", diff)
	}
}

func TestEachSinkHasItsOwnCursor(t *testing.T) {
	path := pathIn(t)
	s := openAt(t, path, "store", "kafka")
	for n := range int64(5) {
		appendAll(t, s, report("d1", n))
	}
	s.Done("store", 4)
	s.Done("kafka", 2)
	s.Done("kafka", 1) // never back
	if diff := cmp.Diff([]uint64{5}, offsets(read(t, s, "store", 10))); diff != "" {
		t.Errorf("store (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]uint64{3, 4}, offsets(read(t, s, "kafka", 2))); diff != "" {
		t.Errorf("kafka (-want +got):\n%s", diff)
	}
	eventually(t, "what both have is removed", func() bool { return s.Stats().Records == 3 })
	s.Done("store", 5)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, path, "store", "kafka")
	if diff := cmp.Diff([]uint64{}, offsets(read(t, s, "store", 10))); diff != "" {
		t.Errorf("store after a restart (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]uint64{3, 4, 5}, offsets(read(t, s, "kafka", 10))); diff != "" {
		t.Errorf("kafka after a restart (-want +got):\n%s", diff)
	}
}

// An offset is part of what the store knows a report by.
func TestOffsetsAreNeverUsedTwice(t *testing.T) {
	path := pathIn(t)
	s := openAt(t, path, "store")
	id := s.ID()
	appendAll(t, s, report("d1", 1), report("d1", 2))
	s.Done("store", 2)
	eventually(t, "all is removed", func() bool { return s.Stats().Records == 0 })
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, path, "store")
	appendAll(t, s, report("d1", 3))
	if diff := cmp.Diff([]uint64{3}, offsets(read(t, s, "store", 10))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if s.ID() != id || id == openAt(t, pathIn(t), "store").ID() {
		t.Errorf("the spool's id was %s, is %s; another's differs", id, s.ID())
	}
}

func TestSinksComeAndGo(t *testing.T) {
	path := pathIn(t)
	s := openAt(t, path, "store", "kafka")
	appendAll(t, s, report("d1", 1), report("d1", 2), report("d1", 3))
	s.Done("store", 1)
	s.Done("kafka", 2)
	eventually(t, "the first is removed", func() bool { return s.Stats().Records == 2 })
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	s = openWith(t, spool.Options{Path: path, Sinks: []string{"kafka", "other"}, Log: textLog(&log)})
	if diff := cmp.Diff([]uint64{2, 3}, offsets(read(t, s, "other", 10))); diff != "" {
		t.Errorf("a new sink starts with what there is (-want +got):\n%s", diff)
	}
	if !strings.Contains(log.String(), "sink=store reports=2") {
		t.Errorf("the log does not say what is given up: %s", &log)
	}
	s.Done("other", 3)
	s.Done("kafka", 3)
	eventually(t, "a sink that is gone keeps nothing", func() bool { return s.Stats().Records == 0 })
	if _, err := s.Read("store", 1); err == nil {
		t.Error("a sink that is gone can read")
	}
	appendAll(t, s, report("d1", 4))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]uint64{4}, offsets(read(t, openAt(t, path, "store"), "store", 10))); diff != "" {
		t.Errorf("a sink that is back starts with what there is (-want +got):\n%s", diff)
	}
}

func TestWait(t *testing.T) {
	s := openAt(t, pathIn(t), "store")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Wait(ctx, "store"); err != nil {
		t.Errorf("with nothing there, Wait returned %v", err)
	}
	woken := make(chan error, 1)
	go func() { woken <- s.Wait(t.Context(), "store") }()
	appendAll(t, s, report("d1", 1))
	if err := <-woken; err != nil {
		t.Error(err)
	}
	s.Done("store", 1)
	go func() { woken <- s.Wait(t.Context(), "store") }()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-woken; !errors.Is(err, spool.ErrClosed) {
		t.Errorf("when it was closed, Wait returned %v", err)
	}
	if err := s.Append(t.Context(), report("d1", 2)); !errors.Is(err, spool.ErrClosed) {
		t.Errorf("when it was closed, Append returned %v", err)
	}
}

// Many who append at once share transactions, and each one's records stay in order.
func TestManyAtOnce(t *testing.T) {
	s := openAt(t, pathIn(t), "store")
	devices := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
	const each = 50
	var all sync.WaitGroup
	for _, device := range devices {
		all.Go(func() {
			for n := range int64(each) {
				if err := s.Append(t.Context(), report(device, n)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	next := map[string]int64{}
	for i, r := range read(t, s, "store", len(devices)*each) {
		if r.Offset != uint64(i)+1 || r.Seq != next[r.Device] {
			t.Fatalf("record %d is %s's %d at offset %d, want its %d", i, r.Device, r.Seq, r.Offset, next[r.Device])
		}
		next[r.Device]++
	}
	if len(next) != len(devices) || next["h"] != each {
		t.Errorf("there are %v", next)
	}
}
