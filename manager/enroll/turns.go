package enroll

import (
	"hash/maphash"
	"sync"
)

// turns are locks by name; some names share one.
type turns [256]sync.Mutex

var turnSeed = maphash.MakeSeed()

func (t *turns) of(name string) *sync.Mutex {
	return &t[maphash.String(turnSeed, name)%uint64(len(t))]
}
