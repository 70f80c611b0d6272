package audit

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/oklog/ulid/v2"

	"muster/manager/store"
	"muster/topics"
)

func TestEntry(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6_789_000, time.FixedZone("", 3600))
	before := store.DeviceGroup{DeviceGroup: "g", DeviceGroupID: 1, PruneID: 1, Apps: []string{"a"}, CronJobs: []string{}}
	after := before
	after.DeviceGroupID, after.Apps = 2, []string{"a", "b"}
	got, err := NewTrail(func() time.Time { return at }).Entry(Change{
		By: "ann", RequestID: "r-1", Action: "update", Kind: "device_group", Name: "g", Before: before, After: after,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := store.AuditEntry{
		ID: got.ID, At: time.Date(2026, 1, 2, 2, 4, 5, 6_000_000, time.UTC), By: "ann", RequestID: "r-1",
		Action: "update", Kind: "device_group", Name: "g", Changed: []string{"apps", "device_group_id"},
		Before: json.RawMessage(`{"device_group":"g","device_group_id":1,"prune_id":1,"apps":["a"],"cron_jobs":[]}`),
		After:  json.RawMessage(`{"device_group":"g","device_group_id":2,"prune_id":1,"apps":["a","b"],"cron_jobs":[]}`),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if id, err := ulid.ParseStrict(got.ID); err != nil || !id.Timestamp().Equal(want.At) {
		t.Errorf("id %q: %v", got.ID, err)
	}
}

// Of a secret the trail says that it is there and that it has changed, and nothing of what it is.
func TestSecretsAreHidden(t *testing.T) {
	const canary = "canary-1337"
	app, job := topics.NewApp("a", "img"), topics.NewCronJob("c", "* * * * *", "img")
	app.EnvVars = topics.EnvVars{"PASSWORD": canary + "1", "SAME": canary, "GONE": canary}
	job.EnvVars = app.EnvVars
	app2, job2 := app, job
	app2.EnvVars = topics.EnvVars{"PASSWORD": canary + "2", "SAME": canary, "NEW": canary}
	job2.EnvVars = app2.EnvVars
	user := store.User{UserName: "u", Password: canary + "p", Token: canary + "t", TokenSelector: canary + "s"}
	user2, user3 := user, user
	user2.Token, user2.TokenSelector = canary+"T", canary+"S"
	user3.Password = canary + "P"
	program := store.Token{ID: "ABCDEFGHIJ", Name: "ci", Hash: []byte(canary)}
	bare := store.User{UserName: "u", Password: canary}
	vars := []string{"env_vars.GONE", "env_vars.NEW", "env_vars.PASSWORD"}
	for name, tc := range map[string]struct {
		before, after any
		changed       []string
		wantAfter     string // a part of it
	}{
		"app":              {app, app2, vars, `"env_vars":{"NEW":"(hidden)","PASSWORD":"(hidden)","SAME":"(hidden)"}`},
		"cron_job":         {job, job2, vars, `"env_vars":{"NEW":"(hidden)","PASSWORD":"(hidden)","SAME":"(hidden)"}`},
		"new app":          {nil, app, []string{}, `"SAME":"(hidden)"`},
		"deleted app":      {app, nil, []string{}, `null`},
		"new token":        {user, user2, []string{"token"}, `{"user_name":"u","password":"(hidden)","token":"(hidden)"}`},
		"new password":     {user, user3, []string{"password"}, `{"user_name":"u","password":"(hidden)","token":"(hidden)"}`},
		"new user":         {nil, user, []string{}, `{"user_name":"u","password":"(hidden)","token":"(hidden)"}`},
		"deleted user":     {user, nil, []string{}, `null`},
		"new API token":    {nil, program, []string{}, `"hash":"(hidden)"`},
		"user, no token":   {nil, bare, []string{}, `{"user_name":"u","password":"(hidden)","token":""}`},
		"token taken away": {user, bare, []string{"password", "token"}, `{"user_name":"u","password":"(hidden)","token":""}`},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := NewTrail(time.Now).Entry(Change{Before: tc.before, After: tc.after})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.changed, e.Changed); diff != "" {
				t.Errorf("changed (-want +got):\n%s", diff)
			}
			if !strings.Contains(string(e.After), tc.wantAfter) {
				t.Errorf("after is %s, want %s in it", e.After, tc.wantAfter)
			}
			if all, err := json.Marshal(e); err != nil || strings.Contains(string(all), "canary") {
				t.Errorf("a secret is in %s, %v", all, err)
			}
		})
	}
	if app.EnvVars["PASSWORD"] != canary+"1" || user.Password != canary+"p" {
		t.Error("the document itself was altered")
	}
}

func TestUnknownKindsAreRefused(t *testing.T) {
	for _, doc := range []any{map[string]string{"secret": "x"}, &topics.App{}, "x"} {
		if e, err := NewTrail(time.Now).Entry(Change{After: doc}); err == nil {
			t.Errorf("%T: shown as %s", doc, e.After)
		}
		if e, err := NewTrail(time.Now).Entry(Change{Before: doc}); err == nil {
			t.Errorf("%T: shown as %s", doc, e.Before)
		}
	}
}

// Entries sort by the order in which they were made, at any pace and whatever the clock does.
func TestIDsAscend(t *testing.T) {
	var mu sync.Mutex
	clock := time.UnixMilli(1_700_000_000_000)
	trail := NewTrail(func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return clock
	})
	last := ""
	for i := range 3000 {
		switch {
		case i == 1000:
			clock = clock.Add(-time.Hour)
		case i > 2000:
			clock = clock.Add(time.Millisecond)
		}
		e, err := trail.Entry(Change{})
		if err != nil || e.ID <= last {
			t.Fatalf("%d: %q after %q, %v", i, e.ID, last, err)
		}
		if !e.At.Equal(clock) {
			t.Fatalf("%d: made at %v, want %v", i, e.At, clock)
		}
		last = e.ID
	}
	ids := make([][]string, 8)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			for range 200 {
				e, err := trail.Entry(Change{})
				if err != nil {
					t.Error(err)
				}
				ids[i] = append(ids[i], e.ID)
			}
		})
	}
	wg.Wait()
	seen := map[string]bool{}
	for _, list := range ids {
		for i, id := range list {
			if seen[id] || id <= last || i > 0 && id <= list[i-1] {
				t.Fatalf("id %q is not new", id)
			}
			seen[id] = true
		}
	}
}
