package admission

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unique"

	"muster/manager/store"
	"muster/topics"
	"muster/topics/token"
)

// byCertificate tells which device has shown a certificate. The certificate and the device's identity must agree.
func (g *Gate) byCertificate(ctx context.Context, l Login) (topics.Subject, error) {
	device, expired := l.CommonName, false
	if len(l.Chain) > 0 {
		var err error
		if device, expired, err = g.verify(l.Chain); err != nil {
			return topics.Subject{}, err
		}
	}
	if err := topics.CheckName(device); err != nil {
		return topics.Subject{}, deniedf("certificate of %.80q: %w", device, err)
	}
	if l.Username != "" && l.Username != device {
		return topics.Subject{}, deniedf("user name %.80q beside the certificate of device %q", l.Username, device)
	}
	if l.ClientID != device {
		return topics.Subject{}, deniedf("client id %.80q must be the device's name %q", l.ClientID, device)
	}
	k, err := g.identity(ctx, device)
	if err != nil {
		return topics.Subject{}, err
	}
	if len(l.Chain) > 0 && !k.hasKey(l.Chain[0].RawSubjectPublicKeyInfo) || k.key == [32]byte{} {
		return topics.Subject{}, deniedf("the certificate of device %q is for another key than its identity", device)
	}
	s := topics.Subject{Role: topics.RoleDevice, Name: device, Group: k.group.Value()}
	if expired {
		s.Role = topics.RoleRenewing
	}
	return s, k.mayEnter(device)
}

// bySecret tells which device has shown its secret, or the password of all devices.
func (g *Gate) bySecret(ctx context.Context, l Login) (topics.Subject, error) {
	device := l.Username
	if l.ClientID != device {
		return topics.Subject{}, deniedf("client id %.80q must be the device's name %q", l.ClientID, device)
	}
	shared := g.shared.matches(l.Password)
	k, err := g.identity(ctx, device)
	switch {
	case errors.Is(err, store.ErrNotFound) && shared:
		// The password that devices share says nothing of their device_group.
		k = known{group: unique.Make(topics.AnyGroup)}
		g.memory.Add(device, k)
	case err != nil:
		return topics.Subject{}, err
	case k.state == "" && shared: // let in like that before, and the store fails
	case k.secret == [32]byte{} || !token.Matches(k.secret[:], string(l.Password)):
		return topics.Subject{}, deniedf("wrong secret for device %q", device)
	default:
		if err := k.mayEnter(device); err != nil {
			return topics.Subject{}, err
		}
	}
	return topics.Subject{Role: topics.RoleDevice, Name: device, Group: k.group.Value()}, nil
}

// mayEnter refuses a device whose identity is no way in, whatever it has shown.
func (k known) mayEnter(device string) error {
	switch k.state {
	case store.IdentityActive:
		return nil
	case store.IdentityRevoked:
		return deniedf("device %q is revoked", device)
	}
	return deniedf("device %q waits for an admin's approval", device)
}

// identity reads what is known of a device: what the store has now, or, while that fails, what it had last. A device that has no identity
// is refused, and the error wraps [store.ErrNotFound] too.
func (g *Gate) identity(ctx context.Context, device string) (known, error) {
	err := errors.New("it has failed a moment ago")
	if !g.isDown(time.Now()) {
		var row store.Identity
		row, err = g.o.Identities.Get(ctx, device)
		switch {
		case err == nil:
			k := knownOf(row)
			g.memory.Add(device, k)
			return k, nil
		case errors.Is(err, store.ErrNotFound):
			// One without an identity may still be let in by the password of all devices.
			if k, there := g.memory.Peek(device); there && k.state != "" {
				g.memory.Remove(device)
			}
			return known{}, deniedf("device %q has no identity: %w", device, err)
		}
		g.fails(err)
	}
	if k, there := g.memory.Get(device); there {
		return k, nil
	}
	return known{}, deniedf("device %q is not known yet, and the store cannot be asked: %w", device, err)
}

// After the store has failed it is not asked for downTime: it may take its time to fail, and a fleet that reconnects must not wait for that
// one after the other.
const downTime = time.Second

func (g *Gate) isDown(now time.Time) bool { return now.UnixNano() < g.down.Load() }

// fails notes that the store does, and logs it once a minute.
func (g *Gate) fails(err error) {
	now := time.Now()
	g.down.Store(now.Add(downTime).UnixNano())
	g.mu.Lock()
	quiet := now.Sub(g.told) < time.Minute
	if !quiet {
		g.told = now
	}
	g.mu.Unlock()
	if !quiet {
		g.o.Log.Error("the store cannot be asked who may connect; those who were let in before still are", "error", fmt.Errorf("identities: %w", err))
	}
}
