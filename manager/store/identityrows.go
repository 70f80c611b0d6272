package store

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"time"
)

// An IdentityRow is an identity as an implementation keeps it: Changed is in milliseconds since 1970, so that it sorts.
type IdentityRow struct {
	Identity
	Changed int64 `json:"changed"`
}

// IdentityRowKind describes rows of identities.
func IdentityRowKind() Kind[IdentityRow] {
	return Kind[IdentityRow]{
		Singular: "identity", Plural: "identities",
		Name: func(r IdentityRow) string { return r.Device },
		Fill: func(r *IdentityRow) {
			fill(&r.Certificates)
			r.Certificates = r.Certificates[:min(len(r.Certificates), MaxCertificates)]
		},
	}
}

// IdentityRows is what an implementation of [Identities] needs to have for [KeepIdentities].
type IdentityRows interface {
	Documents[IdentityRow]
	// Page is the List of [Identities].
	Page(ctx context.Context, f IdentityFilter, after string, limit int) ([]IdentityRow, error)
	// Since is the ChangedSince of [Identities].
	Since(ctx context.Context, changed int64, after string, limit int) ([]IdentityRow, error)
}

// KeepIdentities makes [Identities] of rows.
func KeepIdentities(rows IdentityRows) Identities { return identities{rows} }

type identities struct{ rows IdentityRows }

func (i identities) Create(ctx context.Context, identity Identity) (Identity, error) {
	row := IdentityRow{Identity: identity, Changed: time.Now().UnixMilli()}
	// As it will be read.
	_, written, err := IdentityRowKind().Encode(row)
	if err != nil {
		return Identity{}, err
	}
	if err := i.rows.Create(ctx, row); err != nil {
		return Identity{}, err
	}
	return written.identity(), nil
}

func (i identities) Get(ctx context.Context, device string) (Identity, error) {
	row, err := i.rows.Get(ctx, device)
	if err != nil {
		return Identity{}, err
	}
	return row.identity(), nil
}

func (i identities) Modify(ctx context.Context, device string, change func(*Identity) error) (Identity, error) {
	row, err := i.rows.Modify(ctx, device, func(row *IdentityRow) error {
		before := row.identity()
		after := before
		after.Certificates = slices.Clone(before.Certificates)
		if err := change(&after); err != nil {
			return err
		}
		after.Changed = before.Changed
		if !reflect.DeepEqual(before, after) {
			// Not twice the same, also when this machine's clock is behind another's.
			row.Identity, row.Changed = after, max(time.Now().UnixMilli(), row.Changed+1)
		}
		return nil
	})
	if err != nil {
		return Identity{}, err
	}
	return row.identity(), nil
}

func (i identities) Delete(ctx context.Context, device string) error {
	return i.rows.Delete(ctx, device)
}

func (i identities) List(ctx context.Context, f IdentityFilter, after string, limit int) ([]Identity, error) {
	return read(i.rows.Page(ctx, f, after, max(limit, 0)))
}

func (i identities) ChangedSince(ctx context.Context, since time.Time, after string, limit int) ([]Identity, error) {
	first := since.Add(time.Millisecond - 1).UnixMilli() // the first millisecond that is not before it
	return read(i.rows.Since(ctx, first, after, max(limit, 0)))
}

func (r IdentityRow) identity() Identity {
	r.Identity.Changed = time.UnixMilli(r.Changed).UTC()
	return r.Identity
}

// read makes identities of rows, also of those that there are beside some that cannot be read.
func read(rows []IdentityRow, err error) ([]Identity, error) {
	if _, some := errors.AsType[*UnreadableError](err); err != nil && !some {
		return nil, err
	}
	all := make([]Identity, 0, len(rows))
	for _, row := range rows {
		all = append(all, row.identity())
	}
	return all, err
}
