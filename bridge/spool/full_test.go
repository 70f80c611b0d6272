package spool_test

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"muster/bridge"
	"muster/bridge/spool"
)

// large is a report of 10,000 bytes.
func large(n int64) bridge.Record {
	r := report("d1", n)
	r.Payload = bytes.Repeat([]byte("x"), 10_000)
	return r
}

// A spool takes so much of the disk and not more; what is refused is not there, and what was taken stays. There is
// room again when the slowest sink has got on.
func TestFull(t *testing.T) {
	path := pathIn(t)
	s := openWith(t, spool.Options{Path: path, Size: spool.MinSize, Sinks: []string{"store", "kafka"}})
	taken := int64(0)
	for {
		err := s.Append(t.Context(), large(taken))
		if errors.Is(err, bridge.ErrFull) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		taken++
	}
	if taken < 50 {
		t.Errorf("it is full after %d records of 10 kB", taken)
	}
	stats := s.Stats()
	if stats.Used > stats.Limit || stats.Limit != spool.MinSize || stats.Records != taken || stats.Bytes < taken*10_000 {
		t.Errorf("with %d records, the counts are %+v", taken, stats)
	}
	s.Done("store", uint64(taken))
	if err := s.Append(t.Context(), large(taken)); !errors.Is(err, bridge.ErrFull) {
		t.Errorf("while one sink has nothing, Append returned %v", err)
	}
	s.Done("kafka", uint64(taken)/2)
	eventually(t, "there is room again", func() bool { return s.Append(t.Context(), large(taken)) == nil })
	all := readAll(t, s, "kafka")
	if len(all) != int(taken-taken/2)+1 || all[len(all)-1].Seq != taken {
		t.Errorf("%d records are left, the last is %d: want the newer half of %d and one", len(all), all[len(all)-1].Seq, taken)
	}
	if info, err := os.Stat(path); err != nil || info.Size() > 4*spool.MinSize {
		t.Errorf("the file has %d bytes (%v)", info.Size(), err)
	}
}

// However long it is used, the file does not grow.
func TestSpaceIsUsedAgain(t *testing.T) {
	path := pathIn(t)
	s := openWith(t, spool.Options{Path: path, Size: spool.MinSize, Sinks: []string{"store"}})
	for n := range int64(100) {
		appendAll(t, s, large(n), large(n), large(n), large(n), large(n), large(n), large(n), large(n), large(n), large(n))
		s.Done("store", uint64(n+1)*10) // 10 MB in all
	}
	if info, err := os.Stat(path); err != nil || info.Size() > spool.MinSize {
		t.Errorf("the file has %d bytes (%v)", info.Size(), err)
	}
}

func TestOptions(t *testing.T) {
	for _, o := range []spool.Options{
		{Path: pathIn(t), Size: spool.MinSize - 1, Sinks: []string{"store"}},
		{Path: pathIn(t)},
		{Path: "/dev/null/spool", Sinks: []string{"store"}},
	} {
		if s, err := spool.Open(o); err == nil {
			t.Errorf("%+v is accepted", o)
			_ = s.Close()
		}
	}
}
