package spool_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"muster/bridge"
	"muster/bridge/spool"
)

// hang has the spool's disk hang, with d1's report 0 on its way, until the function returned is called.
func hang(t *testing.T, s *spool.Spool) (release func()) {
	t.Helper()
	end, err := s.HoldWriter()
	if err != nil {
		t.Fatal(err)
	}
	release = sync.OnceFunc(func() {
		if err := end(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(release)
	late, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := s.Append(late, report("d1", 0)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("when its time was over, Append returned %v", err)
	}
	eventually(t, "the writer hangs with it", func() bool { return s.Waiting() == 0 })
	return release
}

// startAppend returns when the append waits for the writer, and says later how it ended.
func startAppend(t *testing.T, s *spool.Spool, r bridge.Record) <-chan error {
	t.Helper()
	before := s.Waiting()
	ended := make(chan error, 1)
	go func() { ended <- s.Append(t.Context(), r) }()
	eventually(t, "it waits", func() bool { return s.Waiting() > before })
	return ended
}

// sized is a report of so many bytes, and about 50 more.
func sized(n int64, bytes int) bridge.Record {
	r := report("d1", n)
	r.Payload = make([]byte, bytes)
	return r
}

// A disk that hangs holds up those who wait for it, for as long as they want to; what waits has a bound, and is written when the disk
// goes on.
func TestHangingDisk(t *testing.T) {
	s := openAt(t, pathIn(t), "store")
	release := hang(t, s)
	var appends []<-chan error
	for n := range int64(16) {
		appends = append(appends, startAppend(t, s, sized(n+1, 4<<20)))
	}
	if err := s.Append(t.Context(), report("d1", 17)); !errors.Is(err, bridge.ErrFull) {
		t.Errorf("behind 64 MiB, Append returned %v", err)
	}
	if stats := s.Stats(); stats.Records != 0 {
		t.Errorf("the counts are %+v", stats)
	}
	release()
	for _, ended := range appends {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	appendAll(t, s, report("d1", 17))
	var seqs []int64
	for _, r := range readAll(t, s, "store") {
		seqs = append(seqs, r.Seq)
	}
	for i, seq := range seqs {
		if seq != int64(i) {
			t.Fatalf("there are %v", seqs)
		}
	}
	if len(seqs) != 18 {
		t.Errorf("there are %v", seqs)
	}
}

// What comes behind a report that there was no room for is not taken before that has had time to come again.
func TestFullKeepsTheOrder(t *testing.T) {
	s := openWith(t, spool.Options{Path: pathIn(t), Size: spool.MinSize, Sinks: []string{"store"}})
	release := hang(t, s)
	fits, tooLarge, behind := startAppend(t, s, report("d1", 2)), startAppend(t, s, sized(3, 5<<20)), startAppend(t, s, sized(4, 64<<20))
	release()
	if err := <-fits; err != nil {
		t.Error(err)
	}
	for name, err := range map[string]error{"too large": <-tooLarge, "behind it": <-behind, "then": s.Append(t.Context(), report("d1", 4))} {
		if !errors.Is(err, bridge.ErrFull) {
			t.Errorf("%s: Append returned %v", name, err)
		}
	}
	eventually(t, "it can be appended again", func() bool { return s.Append(t.Context(), report("d1", 3)) == nil })
}
