package admission

import (
	"context"
	"errors"
	"maps"
	"sync"
	"sync/atomic"

	"muster/broker"
	"muster/manager/auth"
	"muster/manager/store"
	"muster/topics"
)

// A lookerKey is the subject of somebody who is no device.
type lookerKey struct {
	role topics.Role
	name string
}

// A looker is a user, or a program with an API token, that has been let in.
type looker struct {
	// rights are what they may see now. They are asked for each message that is delivered to a viewer.
	rights atomic.Pointer[auth.Identity]
	// mark is that of the user's password when they were let in.
	mark string
}

// lookers are those who have been let in: no more than there are users and tokens.
type lookers struct {
	mu    sync.Mutex
	known map[lookerKey]*looker
}

// get finds one; nil when there is none.
func (v *lookers) get(key lookerKey) *looker {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.known[key]
}

// put remembers that somebody was let in, in the place of an earlier one.
func (v *lookers) put(key lookerKey, rights auth.Identity, mark string) *looker {
	v.mu.Lock()
	defer v.mu.Unlock()
	one := v.known[key]
	if one == nil {
		one = &looker{mark: mark}
		v.known[key] = one
	}
	one.rights.Store(&rights)
	return one
}

func (v *lookers) all() map[lookerKey]*looker {
	v.mu.Lock()
	defer v.mu.Unlock()
	return maps.Clone(v.known)
}

// drop forgets one, who sees nothing from now on.
func (v *lookers) drop(key lookerKey) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if one := v.known[key]; one != nil {
		one.rights.Store(&auth.Identity{})
		delete(v.known, key)
	}
}

// byPassword lets in the local admin or a user of the database, to look on.
func (g *Gate) byPassword(ctx context.Context, l Login) (topics.Subject, error) {
	if _, err := g.o.People.Password(ctx, l.Remote, l.Username, string(l.Password)); err != nil {
		return topics.Subject{}, deniedf("user %.80q: %w", l.Username, err)
	}
	rights, mark, err := g.o.People.Standing(ctx, l.Username)
	if err != nil {
		return topics.Subject{}, deniedf("user %.80q: %w", l.Username, err)
	}
	return g.admit(lookerKey{topics.RoleViewer, l.Username}, rights, mark), nil
}

// admit lets somebody in, and ends the connections that were made with another password or token.
func (g *Gate) admit(key lookerKey, rights auth.Identity, mark string) topics.Subject {
	if before := g.lookers.get(key); before != nil && (before.mark != mark || before.rights.Load().Token != rights.Token) {
		g.putOut(key)
	}
	one := g.lookers.put(key, rights, mark)
	s := topics.Subject{Role: key.role, Name: key.name}
	if key.role == topics.RoleViewer {
		s.Sees = func(t topics.Topic) bool { return g.sees(one.rights.Load(), t) }
	}
	return s
}

// sees decides on a topic: what is about a device_group, or a device in it, is for those who may read that group over REST; what is about the
// whole fleet is for admins.
func (g *Gate) sees(who *auth.Identity, t topics.Topic) bool {
	if who.Admin {
		return true
	}
	switch t.Kind {
	case topics.GroupConfig, topics.GroupSummary:
		return who.MayDeviceGroup(t.Name, store.ReadOnly)
	case topics.DeviceCheckin, topics.DeviceReply, topics.DeviceStatus, topics.DeviceProgress, topics.DeviceReport:
		group := g.groupOf(t.Name)
		return group != "" && who.MayDeviceGroup(group, store.ReadOnly)
	}
	return false
}

// groupOf is the device_group of a device; empty when it is not known. A device's identity has the last word.
func (g *Gate) groupOf(device string) string {
	if k, there := g.memory.Peek(device); there && k.state != "" {
		return k.group.Value()
	}
	if guarded := g.guarded.Load(); guarded != nil && guarded.group != nil {
		return guarded.group(device)
	}
	return ""
}

// lookAtLookers ends the connections of those who would not be let in any more, and has the others see what they may by now.
func (g *Gate) lookAtLookers(ctx context.Context) (failed error) {
	for key, one := range g.lookers.all() {
		earlier := one.rights.Load()
		var now auth.Identity
		var mark string
		var err error
		if earlier.Token != "" {
			now, err = g.o.People.Again(ctx, *earlier)
		} else {
			now, mark, err = g.o.People.Standing(ctx, key.name)
		}
		switch {
		case errors.Is(err, auth.ErrDenied), err == nil && (mark != one.mark || now.MQTTRole != earlier.MQTTRole):
			g.putOut(key)
		case err != nil:
			failed = err
		default:
			one.rights.CompareAndSwap(earlier, &now) // unless they were put out meanwhile
		}
	}
	return failed
}

// putOut ends the connections of somebody.
func (g *Gate) putOut(key lookerKey) {
	g.lookers.drop(key)
	n := g.disconnect(broker.NotAuthorized, func(s topics.Subject) bool { return s.Role == key.role && s.Name == key.name })
	g.o.Log.Info("not let in any more", "role", key.role, "name", key.name, "connections_ended", n)
}
