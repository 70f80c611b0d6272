package sqlite

import (
	"context"

	"muster/manager/store"
)

// identities keeps what devices are known by as documents, in a table that can be searched by what is in them.
type identities struct{ documents[store.IdentityRow] }

func (i identities) Page(ctx context.Context, f store.IdentityFilter, after string, limit int) ([]store.IdentityRow, error) {
	clause, args := identityPage(f, after, limit)
	return i.selected(ctx, clause, args...)
}

func identityPage(f store.IdentityFilter, after string, limit int) (clause string, args []any) {
	var c conditions
	c.unlessEmpty(`state = ?`, string(f.State))
	c.unlessEmpty(`device_group = ?`, f.DeviceGroup)
	c.unlessEmpty(`token_id = ?`, f.TokenID)
	c.add(`name > ?`, after)
	return c.clause() + ` ORDER BY name LIMIT ?`, append(c.args, limit)
}

func (i identities) Since(ctx context.Context, changed int64, after string, limit int) ([]store.IdentityRow, error) {
	return i.selected(ctx, identitiesSince, changed, after, limit)
}

const identitiesSince = `WHERE (changed, name) > (?, ?) ORDER BY changed, name LIMIT ?`
