package sqlite

import (
	"fmt"
	"testing"

	"muster/manager/store"
)

// TestStretchesAreFew has every other zone be looked into, and a few that are far from each other.
func TestStretchesAreFew(t *testing.T) {
	var zones []uint64
	for n := range uint64(10_000) {
		zones = append(zones, 2*n)
	}
	if all := join(zones); len(all) != 1 || all[0] != (stretch{"0000000", "0004e1eg"}) {
		t.Errorf("%d stretches, such as %v", len(all), all[0])
	}
	if all := join(zones[:maxStretches]); len(all) != maxStretches || all[1] != (stretch{"0000002", "0000002g"}) {
		t.Errorf("%d stretches, such as %v", len(all), all[1])
	}
	if all := join(nil); len(all) != 0 {
		t.Errorf("stretches of nothing: %v", all)
	}
}

// TestPageIsOfOneMoment has reports come in pairs, in zones that are not looked into at once: whoever saw the second
// alone would go on behind it, and never see the first.
func TestPageIsOfOneMoment(t *testing.T) {
	s := mustOpen(t, path(t))
	const pairs = 300
	id := func(second, n int) string { return fmt.Sprintf("%08x%016x", 1_700_000_000+second, n) }
	added := make(chan error, 1)
	add := func(n int) error {
		doc := []byte(`{"updated":true}`)
		return s.Reports().Add(t.Context(), []store.Report{{ID: id(0, n), Doc: doc}, {ID: id(100, n), Doc: doc}})
	}
	go func() {
		for n := range pairs {
			if err := add(n); err != nil {
				added <- err
				return
			}
		}
		added <- nil
	}()
	for done := false; !done; {
		select {
		case err := <-added:
			if err != nil {
				t.Fatal(err)
			}
			done = true
		default:
		}
		page, err := s.Reports().Page(t.Context(), store.ReportQuery{Updated: new(true)}, 2*pairs)
		if err != nil {
			t.Fatal(err)
		}
		first := 0
		for _, r := range page {
			if r.ID < id(50, 0) {
				first++
			}
		}
		if 2*first != len(page) || done && first != pairs {
			t.Fatalf("of %d reports %d are the first of a pair", len(page), first)
		}
	}
}
