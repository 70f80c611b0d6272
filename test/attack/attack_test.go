package attack

import (
	"slices"
	"testing"
)

// Every row of the table ends as it says, in the log and nowhere else.
func TestAttacks(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := &table{site: s, witness: newWitness(s)}
	stolen := s.steal(t)
	t.Run("rows", func(t *testing.T) {
		b.run(t, slices.Concat(strangers(), latecomers(stolen), bearers(), viewers(s), forgers(t, stolen), newcomers(), outcasts(), thieves(), curious(), visitors(), tricks(), vandals(), elders(stolen)))
	})
	b.finish(t)
}
