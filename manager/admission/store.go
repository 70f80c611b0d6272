package admission

import (
	"context"

	"muster/manager/store"
)

// Store is s, with what is changed through it followed at once: whoever revokes a device through this manager has its connection ended when the
// call returns, and that of a user or token a moment later. What other managers change is followed by Run.
func (g *Gate) Store(s store.Store) store.Store { return &followed{s, g} }

type followed struct {
	store.Store
	gate *Gate
}

func (f *followed) Identities() store.Identities {
	return &followedIdentities{f.Store.Identities(), f.gate}
}

func (f *followed) Tokens() store.Documents[store.Token] {
	return &followedPeople[store.Token]{f.Store.Tokens(), f.gate}
}

func (f *followed) Users() store.Documents[store.User] {
	return &followedPeople[store.User]{f.Store.Users(), f.gate}
}

func (f *followed) UserGroups() store.Documents[store.UserGroup] {
	return &followedPeople[store.UserGroup]{f.Store.UserGroups(), f.gate}
}

type followedIdentities struct {
	store.Identities
	gate *Gate
}

// Create implements [store.Identities].
func (f *followedIdentities) Create(ctx context.Context, i store.Identity) (store.Identity, error) {
	made, err := f.Identities.Create(ctx, i)
	if err == nil {
		f.gate.take([]store.Identity{made})
	}
	return made, err
}

// Modify implements [store.Identities].
func (f *followedIdentities) Modify(ctx context.Context, device string, change func(*store.Identity) error) (store.Identity, error) {
	now, err := f.Identities.Modify(ctx, device, change)
	if err == nil {
		f.gate.take([]store.Identity{now})
	}
	return now, err
}

// Delete implements [store.Identities].
func (f *followedIdentities) Delete(ctx context.Context, device string) error {
	err := f.Identities.Delete(ctx, device)
	if err == nil {
		f.gate.gone(device)
	}
	return err
}

// followedPeople are documents that say what people may do.
type followedPeople[T any] struct {
	store.Documents[T]
	gate *Gate
}

// Create implements [store.Documents].
func (f *followedPeople[T]) Create(ctx context.Context, doc T) error {
	defer f.gate.peopleChanged()
	return f.Documents.Create(ctx, doc)
}

// Modify implements [store.Documents].
func (f *followedPeople[T]) Modify(ctx context.Context, name string, change func(*T) error) (T, error) {
	defer f.gate.peopleChanged()
	return f.Documents.Modify(ctx, name, change)
}

// Delete implements [store.Documents].
func (f *followedPeople[T]) Delete(ctx context.Context, name string) error {
	defer f.gate.peopleChanged()
	return f.Documents.Delete(ctx, name)
}

// peopleChanged has everybody who was let in judged anew. A failure may have written all the same.
func (g *Gate) peopleChanged() {
	g.o.People.Invalidate()
	select {
	case g.poke <- struct{}{}:
	default:
	}
}
