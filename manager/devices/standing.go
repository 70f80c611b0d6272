package devices

import (
	"unique"

	"muster/manager/store"
)

// A standing is the state of a device's identity in one byte: there may be a million of them.
type standing uint8

// standings are the states by their number; 0 is a device without an identity.
var standings = [...]store.IdentityState{"", store.IdentityPending, store.IdentityActive, store.IdentityRevoked}

func standingOf(state store.IdentityState) standing {
	for n, one := range standings {
		if one == state {
			return standing(n)
		}
	}
	return 0
}

func (s standing) state() store.IdentityState { return standings[s] }

// groupBy is the device_group of a device that somebody says is in that one: its identity's, if it has one.
func (r *record) groupBy(said string) unique.Handle[string] {
	if r.identity != 0 {
		return r.group
	}
	return unique.Make(said)
}

// identity takes what a device is known by. It reports whether there was room for it.
func (c *census) identity(i store.Identity) bool {
	state := standingOf(i.State)
	r, known := c.devices[i.Device]
	if !known {
		if state == 0 {
			return true
		}
		if len(c.devices) >= c.limit {
			return false
		}
		r = newRecord(i.Device)
		c.insert(r)
	}
	c.change(r, func() {
		if r.identity = state; state != 0 {
			r.group = unique.Make(i.DeviceGroup)
		}
	})
	return true
}
