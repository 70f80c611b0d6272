package metrics_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"muster/manager/metrics"
	"muster/manager/store"
	"muster/topics"
)

// What is written through a measured store is in the store, and what is read through it is what the store has.
func TestAMeasuredStoreIsTheStore(t *testing.T) {
	inner := openStore(t)
	s := metrics.New("").Store(inner)
	ctx := t.Context()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, name := range []string{"a", "b", "c"} {
		snapshot := store.Snapshot{Head: store.Head{DeviceGroup: "g", SHA256: name, At: at, By: "ada"}, Payload: []byte(name)}
		snapshot.Version = topics.Version{Epoch: s.Epoch(), ConfigID: int64(name[0]-'a') + 1}
		for _, err := range []error{
			s.Apps().Create(ctx, topics.NewApp(name, "image:"+name)),
			s.Snapshots().Append(ctx, snapshot),
			s.Audit().Append(ctx, store.AuditEntry{ID: "01J0000000000000000000000" + strings.ToUpper(name), At: at, By: "ada", Name: name}),
			s.Reports().Add(ctx, []store.Report{{ID: strings.Repeat(name, 24), Doc: json.RawMessage(`{"hostname":"h"}`)}}),
			s.Devices().Observe(ctx, []store.Sighting{{Head: store.DeviceHead{Device: name, Reported: at}, Report: json.RawMessage(`{}`)}}, noEvents),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, name := range []string{"a", "b", "c"} {
		if _, err := s.Identities().Create(ctx, store.Identity{Device: name, State: store.IdentityPending}); err != nil {
			t.Fatal(err)
		}
	}
	_, err := s.Apps().Modify(ctx, "a", func(a *topics.App) error { a.Running = false; return nil })
	_, err3 := s.Identities().Modify(ctx, "b", func(i *store.Identity) error { i.State = store.IdentityActive; return nil })
	_, err2 := s.Devices().Annotate(ctx, "a", func(_ map[string]string, note *string) error { *note = "n"; return nil })
	if err := errors.Join(err, err2, err3, s.Apps().Delete(ctx, "c"), s.Devices().Delete(ctx, "c"), s.Identities().Delete(ctx, "c")); err != nil {
		t.Fatal(err)
	}
	for what, read := range map[string]func(store.Store) (any, error){
		"get":      func(s store.Store) (any, error) { return s.Apps().Get(ctx, "a") },
		"some":     func(s store.Store) (any, error) { return s.Apps().Some(ctx, []string{"b", "c"}) },
		"all":      func(s store.Store) (any, error) { return s.Apps().All(ctx) },
		"names":    func(s store.Store) (any, error) { return s.Apps().Names(ctx) },
		"latest":   func(s store.Store) (any, error) { return s.Snapshots().Latest(ctx, "g") },
		"snapshot": func(s store.Store) (any, error) { return s.Snapshots().Get(ctx, "g", 2) },
		"heads":    func(s store.Store) (any, error) { return s.Snapshots().Heads(ctx) },
		"history":  func(s store.Store) (any, error) { return s.Snapshots().History(ctx, "g", 3, 1) },
		"audit":    func(s store.Store) (any, error) { return s.Audit().Page(ctx, store.AuditQuery{Name: "b"}, 1) },
		"reports":  func(s store.Store) (any, error) { return s.Reports().Page(ctx, store.ReportQuery{Hostname: "h"}, 2) },
		"device":   func(s store.Store) (any, error) { return s.Devices().Get(ctx, "a") },
		"devices":  func(s store.Store) (any, error) { return s.Devices().Heads(ctx, "", 3) },
		"changed":  func(s store.Store) (any, error) { return s.Devices().ChangedSince(ctx, at, "", 3) },
		"identity": func(s store.Store) (any, error) { return s.Identities().Get(ctx, "b") },
		"pending": func(s store.Store) (any, error) {
			return s.Identities().List(ctx, store.IdentityFilter{State: store.IdentityPending}, "", 3)
		},
		"identities": func(s store.Store) (any, error) { return s.Identities().ChangedSince(ctx, at, "", 3) },
	} {
		want, wantErr := read(inner)
		got, err := read(s)
		if err != nil || wantErr != nil || reflect.ValueOf(want).IsZero() {
			t.Errorf("%s: %v, and %v, %v", what, err, want, wantErr)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-store +measured):\n%s", what, diff)
		}
	}
}

func noEvents(store.Device, store.Sighting) []store.Event { return nil }

func TestEveryOperationIsMeasured(t *testing.T) {
	m := metrics.New("")
	s := m.Store(openStore(t))
	measureAll(t, s.Apps(), topics.NewApp("x", "image"))
	measureAll(t, s.CronJobs(), topics.NewCronJob("x", "* * * * *", "image"))
	measureAll(t, s.DeviceGroups(), store.DeviceGroup{DeviceGroup: "x"})
	measureAll(t, s.Users(), store.User{UserName: "x"})
	measureAll(t, s.UserGroups(), store.UserGroup{UserGroup: "x"})
	measureAll(t, s.Tokens(), store.Token{ID: "x"})
	measureAll(t, s.Authorities(), store.Authority{ID: "x"})
	measureAll(t, s.ACME(), store.ACMEEntry{Name: "x"})
	ctx := t.Context()
	_ = s.Ping(ctx)
	_ = s.Snapshots().Append(ctx, store.Snapshot{})
	_, _ = s.Snapshots().Latest(ctx, "x")
	_, _ = s.Snapshots().Get(ctx, "x", 1)
	_, _ = s.Snapshots().Heads(ctx)
	_, _ = s.Snapshots().History(ctx, "x", 0, 1)
	_ = s.Audit().Append(ctx, store.AuditEntry{})
	_, _ = s.Audit().Page(ctx, store.AuditQuery{}, 1)
	_ = s.Reports().Add(ctx, nil)
	_, _ = s.Reports().Page(ctx, store.ReportQuery{}, 1)
	_, _ = s.Reports().Expire(ctx, time.Time{}, 1)
	_ = s.Devices().Observe(ctx, nil, nil)
	_, _ = s.Devices().Get(ctx, "x")
	_, _ = s.Devices().Annotate(ctx, "x", func(map[string]string, *string) error { return nil })
	_, _ = s.Devices().Heads(ctx, "", 1)
	_, _ = s.Devices().ChangedSince(ctx, time.Time{}, "", 1)
	_ = s.Devices().Delete(ctx, "x")
	_, _ = s.Identities().Create(ctx, store.Identity{Device: "x"})
	_, _ = s.Identities().Get(ctx, "x")
	_, _ = s.Identities().Modify(ctx, "x", func(*store.Identity) error { return nil })
	_, _ = s.Identities().List(ctx, store.IdentityFilter{}, "", 1)
	_, _ = s.Identities().ChangedSince(ctx, time.Time{}, "", 1)
	_ = s.Identities().Delete(ctx, "x")

	want := map[string][]string{
		"store": {"ping"}, "snapshot": {"append", "latest", "get", "heads", "history"}, "audit_entry": {"append", "page"}, "report": {"add", "page", "expire"},
		"device":   {"observe", "get", "annotate", "heads", "changed_since", "delete"},
		"identity": {"create", "get", "modify", "list", "changed_since", "delete"},
	}
	for _, kind := range []string{"app", "cron_job", "device_group", "user", "user_group", "token", "authority", "acme_entry"} {
		want[kind] = []string{"create", "get", "some", "all", "names", "modify", "delete"}
	}
	for kind, operations := range want {
		for _, operation := range operations {
			if got := value(t, m, "muster_store_operation_duration_seconds", map[string]string{"kind": kind, "operation": operation}); got != 1 {
				t.Errorf("%s %s: %v calls, want 1", operation, kind, got)
			}
		}
	}
}

// measureAll calls each method once.
func measureAll[T any](t *testing.T, d store.Documents[T], doc T) {
	ctx := t.Context()
	_ = d.Create(ctx, doc)
	_, _ = d.Get(ctx, "x")
	_, _ = d.Some(ctx, []string{"x"})
	_, _ = d.All(ctx)
	_, _ = d.Names(ctx)
	_, _ = d.Modify(ctx, "x", func(*T) error { return nil })
	_ = d.Delete(ctx, "x")
}

// What callers ask for in vain, refuse or give up is no error of the store.
func TestErrorsAreTheStores(t *testing.T) {
	m := metrics.New("")
	inner := openStore(t)
	s := m.Store(inner)
	ctx := t.Context()
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	web := topics.NewApp("web", "image")
	if err := s.Apps().Create(ctx, web); err != nil {
		t.Fatal(err)
	}
	errs := func(operation string) float64 {
		return value(t, m, "muster_store_errors_total", map[string]string{"kind": "app", "operation": operation})
	}
	for what, call := range map[string]func() error{
		"get":    func() error { _, err := s.Apps().Get(ctx, "none"); return err },
		"create": func() error { return s.Apps().Create(ctx, web) },
		"modify": func() error {
			_, err := s.Apps().Modify(ctx, "web", func(*topics.App) error { return fmt.Errorf("not like this") })
			return err
		},
		"names": func() error { _, err := s.Apps().Names(cancelled); return err },
	} {
		if err := call(); err == nil {
			t.Errorf("%s does not fail", what)
		}
		if errs(what) != 0 {
			t.Errorf("%s: the store is said to have failed", what)
		}
	}

	if err := inner.Close(); err != nil {
		t.Fatal(err)
	}
	_, getErr := s.Apps().Get(ctx, "web")
	_, modifyErr := s.Apps().Modify(ctx, "web", func(*topics.App) error { return nil })
	if getErr == nil || modifyErr == nil || errors.Is(getErr, store.ErrNotFound) {
		t.Fatalf("a closed store answers %v, %v", getErr, modifyErr)
	}
	if errs("get") != 1 || errs("modify") != 1 {
		t.Errorf("%v and %v errors of a closed store, want 1 each", errs("get"), errs("modify"))
	}
}
