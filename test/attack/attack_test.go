package attack

import (
	"slices"
	"testing"
)

// Every row of the table ends as it says, in the log and nowhere else.
func TestAttacks(t *testing.T) {
	s := newSite(t)
	b := &table{site: s, witness: newWitness(s)}
	t.Run("rows", func(t *testing.T) {
		b.run(t, slices.Concat(strangers(), forgers(t, s), newcomers(), outcasts(), thieves(), curious(), visitors(), tricks(), vandals()))
	})
	b.finish(t)
}
