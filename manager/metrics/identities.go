package metrics

import (
	"context"
	"time"

	"muster/manager/store"
)

type identities struct {
	store.Identities
	m *Metrics
}

func (i *identities) Create(ctx context.Context, identity store.Identity) (_ store.Identity, err error) {
	defer i.m.observe("identity", "create", time.Now(), &err)
	return i.Identities.Create(ctx, identity)
}

func (i *identities) Get(ctx context.Context, device string) (_ store.Identity, err error) {
	defer i.m.observe("identity", "get", time.Now(), &err)
	return i.Identities.Get(ctx, device)
}

func (i *identities) Modify(ctx context.Context, device string, change func(*store.Identity) error) (store.Identity, error) {
	return modify(i.m, "identity", change, func(change func(*store.Identity) error) (store.Identity, error) {
		return i.Identities.Modify(ctx, device, change)
	})
}

func (i *identities) Delete(ctx context.Context, device string) (err error) {
	defer i.m.observe("identity", "delete", time.Now(), &err)
	return i.Identities.Delete(ctx, device)
}

func (i *identities) List(ctx context.Context, f store.IdentityFilter, after string, limit int) (_ []store.Identity, err error) {
	defer i.m.observe("identity", "list", time.Now(), &err)
	return i.Identities.List(ctx, f, after, limit)
}

func (i *identities) ChangedSince(ctx context.Context, since time.Time, after string, limit int) (_ []store.Identity, err error) {
	defer i.m.observe("identity", "changed_since", time.Now(), &err)
	return i.Identities.ChangedSince(ctx, since, after, limit)
}
