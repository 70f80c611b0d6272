package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"muster/manager/store"
)

// An auditlessStore is a real store whose audit trail takes no entry. It calls each before it fails.
type auditlessStore struct {
	store.Store
	err  error
	each func(context.Context)
	// fails says why it does not take one entry, if it does not.
	fails func(store.AuditEntry) error
}

func (s auditlessStore) Audit() store.Audit { return auditless{s.Store.Audit(), s} }

type auditless struct {
	store.Audit
	s auditlessStore
}

func (a auditless) Append(ctx context.Context, e store.AuditEntry) error {
	if a.s.each != nil {
		a.s.each(ctx)
	}
	if a.s.err != nil {
		return a.s.err
	}
	if a.s.fails != nil {
		if err := a.s.fails(e); err != nil {
			return err
		}
	}
	return a.Audit.Append(ctx, e)
}

// A change that the trail has lost is in force, and neither the answer nor the log keeps quiet about it.
func TestAuditTrailThatFails(t *testing.T) {
	inside := errors.New("disk /secret/path is on fire")
	m := newManagerAround(t, auditlessStore{Store: openStore(t), err: inside})
	m.fill()
	r := m.request("PUT", "/apps/web/update", `{"env_vars": {"KEY": "canary-1"}}`)
	r.Header.Set("X-Request-Id", "r-1")
	wantJSON(t, m.serve(r), 500, `{"error": "the change is made, but not in the audit trail", "request_id": "r-1"}`)
	wantJSON(t, m.do("GET", "/apps/web", ""), 200, webApp(`{"app_id": 2, "env_vars": {"KEY": "canary-1"}}`))
	if config := m.info("fleet"); config.Apps[0].AppID != 2 {
		t.Errorf("devices are told %+v", config.Apps)
	}
	if by := m.changedBy(); len(by) != 1 {
		t.Errorf("the publisher was poked for %q", by)
	}
	log := m.log.String()
	line := ""
	for l := range strings.Lines(log) {
		if strings.Contains(l, `msg="audit entry not kept"`) {
			line += l
		}
	}
	for _, want := range []string{"level=ERROR", "request_id=r-1", "by=root", "action=update", "kind=app", "name=web", "env_vars.KEY", `\"app_id\":2`, "(hidden)", inside.Error()} {
		if !strings.Contains(line, want) {
			t.Errorf("no %q in %q", want, line)
		}
	}
	if strings.Count(line, "\n") != 1 || strings.Contains(log, "canary") {
		t.Errorf("log: %s", log)
	}
}

// A client that gives up while its change is written does not keep it out of the trail.
func TestAuditTrailOfAClientThatIsGone(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := auditlessStore{Store: openStore(t), each: func(context.Context) { cancel() }}
	m := newManagerAround(t, s)
	m.fill()
	m.serve(m.request("POST", "/apps/web/stop", "").WithContext(ctx))
	if ctx.Err() == nil {
		t.Fatal("the client is not gone")
	}
	if got := m.auditLog(); len(got) != 1 {
		t.Errorf("got %v", got)
	}
}

// A change does not wait for the entries of those before it.
func TestChangesDoNotWaitForTheAuditTrail(t *testing.T) {
	entered, release := make(chan struct{}, 2), make(chan struct{})
	m := newManagerAround(t, auditlessStore{Store: openStore(t), each: func(context.Context) {
		entered <- struct{}{}
		<-release
	}})
	m.fill()
	done := make(chan int, 2)
	for _, path := range []string{"/apps/web/stop", "/device_groups/fleet/update"} {
		go func() { done <- m.do("POST", path, `{}`).Code }()
	}
	for range 2 {
		select {
		case <-entered:
		case <-time.After(10 * time.Second):
			t.Fatal("a change waits for the entry of another one")
		}
	}
	select {
	case code := <-done:
		t.Errorf("answered %d before the trail has the change", code)
	default:
	}
	close(release)
	for range 2 {
		if code := <-done; code != 202 {
			t.Errorf("status %d", code)
		}
	}
}

func decodeRaw(t testing.TB, raw json.RawMessage, into any) {
	t.Helper()
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
}
