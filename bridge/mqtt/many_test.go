package mqtt

import (
	"fmt"
	"net"
	"os/exec"
	"testing"

	"muster/test/rig"
)

// Each of the bridges that split the devices takes its part, of all devices one and no more.
func TestParts(t *testing.T) {
	b := rig.Mosquitto(t, rig.MosquittoOptions{})
	var kept [3]*spool
	for i := range kept {
		kept[i] = &spool{}
		o := options(t, b.URL(), fmt.Sprint("b", i), kept[i])
		o.Part = Part{Number: i + 1, Of: len(kept)}
		s, _ := run(t, o)
		connected(t, s)
	}
	for i := range 20 {
		d := newDevice(t, b.URL(), fmt.Sprint("device-", i))
		d.report(3)
		var takers int
		for k, s := range kept {
			if (Part{k + 1, len(kept)}).Has(d.name) {
				takers++
				d.want(s)
			}
		}
		if takers != 1 {
			t.Errorf("%s is in %d parts", d.name, takers)
		}
	}
	if sum := kept[0].count() + kept[1].count() + kept[2].count(); sum != 60 {
		t.Errorf("%d records for 60 reports", sum)
	}
}

// Bridges with a share get each report once between them. Mosquitto keeps those of a bridge that is away for it, and gives them
// to no other.
func TestShare(t *testing.T) {
	b := rig.Mosquitto(t, rig.MosquittoOptions{})
	var kept [2]*spool
	var stops [2]func()
	start := func(i int) {
		o := options(t, b.URL(), fmt.Sprint("b", i), kept[i])
		o.Share = "all"
		var s *Source
		s, stops[i] = run(t, o)
		connected(t, s)
	}
	for i := range kept {
		kept[i] = &spool{}
		start(i)
	}
	d := newDevice(t, b.URL(), "d1")
	d.report(20)
	eventually(t, "all are there, once", func() bool { return kept[0].count()+kept[1].count() == 20 })
	if kept[0].count() == 0 || kept[1].count() == 0 {
		t.Errorf("%d and %d: not shared", kept[0].count(), kept[1].count())
	}
	stops[1]()
	here, away := kept[0].count(), kept[1].count()
	d.report(20)
	eventually(t, "the one that is there has its half", func() bool { return kept[0].count() == here+10 })
	start(1)
	eventually(t, "the other half was waiting", func() bool { return kept[1].count() == away+10 })
}

func TestParsePart(t *testing.T) {
	for s, want := range map[string]Part{"": {}, "1/1": {1, 1}, "2/3": {2, 3}, "64/64": {64, 64}} {
		if got, err := ParsePart(s); got != want || err != nil {
			t.Errorf("%q: %v, %v", s, got, err)
		}
	}
	for _, s := range []string{"0/3", "4/3", "1/0", "1/65", "2", "/", "a/b", "1/2/3", "-1/3"} {
		if got, err := ParsePart(s); err == nil {
			t.Errorf("%q is taken for %v", s, got)
		}
	}
}

// What others compute to know which bridge has a device: in Python, zlib.crc32(b"till-1") % 3.
func TestPartOfADevice(t *testing.T) {
	for device, remainder := range map[string]int{"till-1": 1, "till-0": 2, "Kiosk_77": 0} {
		for number := 1; number <= 3; number++ {
			if got := (Part{number, 3}).Has(device); got != (number == remainder+1) {
				t.Errorf("%s in %d/3: %v", device, number, got)
			}
		}
	}
}

// The command of docs/operations.md for a bridge that is gone for good.
func TestSessionIsEndedByHand(t *testing.T) {
	b := rig.Mosquitto(t, rig.MosquittoOptions{})
	kept := &spool{}
	s, stop := run(t, options(t, b.URL(), "gone", kept))
	connected(t, s)
	stop()
	d := newDevice(t, b.URL(), "d1")
	d.report(3)
	host, port, err := net.SplitHostPort(b.Addr())
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "mosquitto_sub", "-h", host, "-p", port, "-V", "5", "-i", "muster/v1/bridges/gone", "-t", "x", "-E").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	s, _ = run(t, options(t, b.URL(), "gone", kept))
	connected(t, s)
	if got := s.Stats(); got.Lost != 1 {
		t.Errorf("%+v: the session should have been gone", got)
	}
	d.report(1)
	eventually(t, "the last report is spooled", func() bool { return kept.count() > 0 })
	if got := kept.payloads("d1"); len(got) != 1 || got[0] != numbered(4) {
		t.Errorf("spooled %v, want only the last", got)
	}
}
