package publish

import (
	"slices"
	"time"

	"muster/topics"
)

// claimLife is how long a device's word that it has a newer config than the store is believed. A device
// that has one repeats it with every check-in.
const claimLife = time.Hour

// A claim is the newest config that a device of a group said to have, when that is newer than the
// store's.
type claim struct {
	have  topics.Version
	at    time.Time
	heard int64 // the pass in or after which it was made
	told  bool
}

// Behind names the groups whose devices have a newer config than the store, in ascending order. The
// store was restored from a backup that is older than they are. A group is taken off the list when its
// configs have caught up.
//
// Nothing older is published while the broker has a newer config. The word of a device does not keep
// anything from being published: those devices that are not ahead can still follow.
func (p *Publisher) Behind() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var groups []string
	for group, t := range p.topics {
		if t.told == behind {
			groups = append(groups, group)
		}
	}
	for group, c := range p.claims {
		if t := p.topics[group]; c.told && (t == nil || t.told != behind) {
			groups = append(groups, group)
		}
	}
	slices.Sort(groups)
	return groups
}

// MarkBehind reports that a device of the group has a config which is newer than the latest one that
// this manager knows. It is checked against the store before it is believed. It never blocks, and is
// cheap to repeat.
func (p *Publisher) MarkBehind(group string, have topics.Version) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := p.wants[group]
	if !w.exists || !have.Newer(w.latest.Version) {
		return
	}
	now := time.Now()
	c, marked := p.claims[group]
	if c.at = now; have.Newer(c.have) {
		c.have, c.heard = have, p.passes
	}
	p.claims[group] = c
	if !marked {
		// Another manager may have made that config a moment ago: look into the store.
		p.wakeAt(now)
	}
}

// weighClaims drops the claims that no longer hold, and believes those that still do although the store
// was read after they were made. It is called with mu held, after a pass.
func (p *Publisher) weighClaims(now time.Time) {
	if !p.fresh {
		return
	}
	for group, c := range p.claims {
		w := p.wants[group]
		switch {
		case !w.exists || !c.have.Newer(w.latest.Version) || now.Sub(c.at) > claimLife:
			delete(p.claims, group)
			if c.told {
				p.tellCaughtUp(group)
			}
		case c.heard < p.passes && !c.told:
			c.told = true
			p.claims[group] = c
			p.tellBehind(group, w, c.have, "a device")
		}
	}
}

// tell logs a verdict that a person should know of, once. It is called with mu held.
func (p *Publisher) tell(group string, t *topic, v verdict, w wanted) {
	if v == t.told {
		return
	}
	was := t.told
	t.told = v
	switch {
	case v == behind:
		p.tellBehind(group, w, t.newest, "the broker")
	case v == foreign:
		p.o.Log.Warn("the broker has a config of a device_group that this store knows nothing of; it is left alone. "+
			"If it is of no use any more, clear it with an empty retained message",
			"device_group", group, "config", t.newest)
	case was == behind:
		p.tellCaughtUp(group)
	}
}

func (p *Publisher) tellBehind(group string, w wanted, newer topics.Version, where string) {
	p.o.Log.Error("store behind fleet: there is a newer config than the store has, which was probably restored from a backup. "+
		"Devices keep what they have. Restore a newer backup, or change the device_group until its config_id is greater",
		"device_group", group, "store", w.latest.Version, "newer", newer, "seen_at", where)
}

func (p *Publisher) tellCaughtUp(group string) {
	p.o.Log.Info("the store is no longer behind the fleet", "device_group", group)
}
