package metrics

import (
	"fmt"
	"testing"

	"muster/manager/fleet"
)

// The largest groups that exist have series of their own. The others, and those that devices make up, are one together, so that
// nothing is missing from a sum.
func TestGroupsAreBounded(t *testing.T) {
	counts := map[string]fleet.Counts{"made-up": {Devices: 5, Online: 5}}
	existing := []string{"empty"}
	for i := range maxGroups + 20 {
		name := fmt.Sprintf("g%03d", i)
		counts[name] = fleet.Counts{Devices: int64(i + 1), Online: 1}
		existing = append(existing, name)
	}
	shown := bounded(counts, existing)
	if len(shown) != maxGroups+1 {
		t.Errorf("%d groups are shown", len(shown))
	}
	if got, want := shown[otherGroups], (fleet.Counts{Devices: 5 + 20*21/2, Online: 25}); got != want {
		t.Errorf("others are %+v, want %+v", got, want)
	}
	if _, own := shown["g020"]; !own {
		t.Error("one of the largest groups is not shown")
	}
	if got := bounded(counts, nil); len(got) != 1 {
		t.Errorf("with no group that exists: %v", got)
	}
	if got := bounded(nil, []string{"empty"}); len(got) != 1 || got["empty"] != (fleet.Counts{}) {
		t.Errorf("with no device: %v", got)
	}
}
