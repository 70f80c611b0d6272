package authority

import (
	"context"
	"fmt"

	"muster/manager/store"
)

// reseal has every key sealed by the first seal: those from before there was one, and those that another one has sealed. docs
// become what is then in the store. Keys that cannot be opened are left for others to complain about.
func (f *Fleet) reseal(ctx context.Context, docs []store.Authority) error {
	if len(f.o.Seals) == 0 {
		return nil
	}
	for n, doc := range docs {
		der, seal, err := unseal(f.o.Seals, doc.ID, doc.Key)
		if err != nil || seal == f.o.Seals[0].id {
			continue
		}
		sealed, err := keepKey(f.o.Seals, doc.ID, der)
		if err != nil {
			return fmt.Errorf("authority %q: %w", doc.ID, err)
		}
		if docs[n], err = f.store.Modify(ctx, doc.ID, func(now *store.Authority) error {
			// Another manager may have sealed it meanwhile; whoever comes last decides.
			now.Key = sealed
			return nil
		}); err != nil {
			return err
		}
		f.o.Log.Info("key of the fleet's certificate authority sealed", "authority", doc.ID, "seal", f.o.Seals[0].id)
	}
	return nil
}
