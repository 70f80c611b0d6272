package storetest

import (
	"context"
	"fmt"

	"github.com/google/go-cmp/cmp"

	"muster/manager/store"
)

// An anyKind is a kind of documents whose type does not matter.
type anyKind struct {
	create func(ctx context.Context, st store.Store, name string, n int64) error
	count  func(ctx context.Context, st store.Store, name string) (int64, error)
	remove func(ctx context.Context, st store.Store, name string) error
}

func anyKinds() map[string]anyKind {
	return map[string]anyKind{
		"apps": untyped(apps()), "cron_jobs": untyped(cronJobs()), "device_groups": untyped(deviceGroups()),
		"users": untyped(users()), "user_groups": untyped(userGroups()),
		"tokens": untyped(tokens()), "authorities": untyped(authorities()), "acme": untyped(acmeEntries()), "identities": identityKind(),
	}
}

func untyped[T any](k kind[T]) anyKind {
	return anyKind{
		create: func(ctx context.Context, st store.Store, name string, n int64) error {
			return k.of(st).Create(ctx, k.make(name, n))
		},
		count: func(ctx context.Context, st store.Store, name string) (int64, error) {
			doc, err := k.of(st).Get(ctx, name)
			if err != nil {
				return 0, err
			}
			return k.count(doc), nil
		},
		remove: func(ctx context.Context, st store.Store, name string) error { return k.of(st).Delete(ctx, name) },
	}
}

// identityKind has identities beside the documents: n is in a name.
func identityKind() anyKind {
	return anyKind{
		create: func(ctx context.Context, st store.Store, name string, n int64) error {
			i := identity(name)
			i.By = fmt.Sprint(n)
			_, err := st.Identities().Create(ctx, i)
			return err
		},
		count: func(ctx context.Context, st store.Store, name string) (int64, error) {
			i, err := st.Identities().Get(ctx, name)
			return number(i.By), err
		},
		remove: func(ctx context.Context, st store.Store, name string) error { return st.Identities().Delete(ctx, name) },
	}
}

// testKindsDoNotMix has a document of every kind under the same name, and deletes one after the other.
func testKindsDoNotMix(r rig) {
	st := r.handle()
	want := map[string]string{}
	for plural, k := range anyKinds() {
		n := int64(len(want) + 1)
		r.must(k.create(r.ctx, st, "same", n))
		want[plural] = fmt.Sprint(n, " <nil>")
	}
	for len(want) > 0 {
		got := map[string]string{}
		for plural := range want {
			n, err := anyKinds()[plural].count(r.ctx, st, "same")
			got[plural] = fmt.Sprint(n, " ", err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			r.Fatalf("documents of that name (-want +got):\n%s", diff)
		}
		for plural := range want {
			r.must(anyKinds()[plural].remove(r.ctx, st, "same"))
			delete(want, plural)
			break
		}
	}
}
