package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"muster/manager/store"
)

func TestPrune(t *testing.T) { onEveryStore(t, testPrune) }

func testPrune(t *testing.T, open opener) {
	m := open.manager(t)
	m.fill()
	for i := range 40 {
		m.do("POST", fmt.Sprintf("/device_groups/g-%02d", i), `{"apps": ["web"]}`)
	}
	m.do("POST", "/device_groups/fleet/prune", "")
	if c := m.info("fleet"); c.PruneID != 2 {
		t.Errorf("the config has prune_id %d, want 2", c.PruneID)
	}
	poked := len(m.changedBy())
	w := m.do("POST", "/prune", `{`) // whose body nobody looks at
	got := pruneIDs(t, w.Body.Bytes())
	if w.Code != 202 || len(got) != 41 || got["fleet"] != 3 || got["g-00"] != 2 || got["g-39"] != 2 {
		t.Errorf("%d %v", w.Code, got)
	}
	if by := m.changedBy()[poked:]; len(by) != 41 || by[40] != user {
		t.Errorf("the publisher was poked for %q", by)
	}
	for _, group := range []string{"fleet", "g-17"} {
		if c := m.info(group); c.PruneID != got[group] || c.DeviceGroupID != 1 {
			t.Errorf("the config of %s has prune_id %d and device_group_id %d", group, c.PruneID, c.DeviceGroupID)
		}
	}
}

func TestPruneNothing(t *testing.T) {
	wantJSON(t, newManager(t).do("POST", "/prune", ""), 202, `{"prune_ids": {}}`)
}

// pruneIDs reads the answer of /prune, whatever else is in it.
func pruneIDs(t *testing.T, body []byte) map[string]int64 {
	t.Helper()
	var got struct {
		PruneIDs map[string]int64 `json:"prune_ids"`
	}
	if err := json.Unmarshal(body, &got); err != nil || got.PruneIDs == nil {
		t.Fatalf("%s: %v", body, err)
	}
	return got.PruneIDs
}

// A group that makes no sense is told, and the others are pruned.
func TestPruneBesideUnreadableGroups(t *testing.T) { onEveryStore(t, testPruneBesideUnreadableGroups) }

func testPruneBesideUnreadableGroups(t *testing.T, open opener) {
	m := open.manager(t)
	m.fill()
	if err := m.plant(t.Context(), "device_groups", "lost", `{"device_group": "lost", "prune_id": "two"}`); err != nil {
		t.Fatal(err)
	}
	w := m.do("POST", "/prune", "")
	var got struct{ Error string }
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 500 || !strings.Contains(got.Error, `device_group "lost" cannot be read: `) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if ids := pruneIDs(t, w.Body.Bytes()); len(ids) != 1 || ids["fleet"] != 2 {
		t.Errorf("prune_ids %v, want those that were raised", ids)
	}
}

// A failingGroups is a real store in which some device_groups cannot be changed.
type failingGroups struct {
	store.Store
	fail map[string]error
}

func (f failingGroups) DeviceGroups() store.Documents[store.DeviceGroup] {
	return failingGroupDocuments{f.Store.DeviceGroups(), f.fail}
}

type failingGroupDocuments struct {
	store.Documents[store.DeviceGroup]
	fail map[string]error
}

func (d failingGroupDocuments) Modify(ctx context.Context, name string, change func(*store.DeviceGroup) error) (store.DeviceGroup, error) {
	if err := d.fail[name]; err != nil {
		return store.DeviceGroup{}, err
	}
	return d.Documents.Modify(ctx, name, change)
}

// A store that fails half way ends the work; what was done until then is told.
func TestPruneWithAStoreThatFails(t *testing.T) {
	f := failingGroups{openStore(t), map[string]error{
		"a-gone": fmt.Errorf("device_group: %w", store.ErrNotFound), // deleted after the names were read
		"g-0500": errors.New("disk /secret/path is on fire"),
	}}
	m := newManagerAround(t, f)
	const groups = 1000
	names := []string{"a-gone"}
	for i := range groups {
		names = append(names, fmt.Sprintf("g-%04d", i))
	}
	for _, name := range names {
		if err := f.DeviceGroups().Create(t.Context(), store.DeviceGroup{DeviceGroup: name, DeviceGroupID: 1, PruneID: 1}); err != nil {
			t.Fatal(err)
		}
	}
	w := m.do("POST", "/prune", "")
	ids := pruneIDs(t, w.Body.Bytes())
	if w.Code != 500 || strings.Contains(w.Body.String(), "secret") || !strings.Contains(w.Body.String(), `"request_id"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if len(ids) < 400 || len(ids) > 600 {
		t.Errorf("%d were pruned before or after the failure at 500", len(ids))
	}
	all, err := f.DeviceGroups().All(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range all {
		if told, was := ids[g.DeviceGroup] == 2, g.PruneID == 2; told != was {
			t.Errorf("%s has prune_id %d, and the answer says %d", g.DeviceGroup, g.PruneID, ids[g.DeviceGroup])
		}
	}
	if by := m.changedBy(); len(by) != len(ids) {
		t.Errorf("poked %d times for %d changes", len(by), len(ids))
	}
}

// The trail has the groups that were pruned, as far as the request came: it must not need the time of the request
// twice. One entry that is lost ends the work, and the answer tells of its group too.
func TestPruneKeepsTheTrailAsItGoes(t *testing.T) {
	var writes atomic.Int64
	s := auditlessStore{Store: openStore(t), each: func(context.Context) { writes.Add(1) }}
	s.fails = func(e store.AuditEntry) error {
		if e.Name == "g-0500" {
			return errors.New("disk is on fire")
		}
		return nil
	}
	m := newManagerAround(t, s)
	for i := range 1000 {
		group := store.DeviceGroup{DeviceGroup: fmt.Sprintf("g-%04d", i), DeviceGroupID: 1, PruneID: 1}
		if err := s.DeviceGroups().Create(t.Context(), group); err != nil {
			t.Fatal(err)
		}
	}
	w := m.do("POST", "/prune", "")
	ids := pruneIDs(t, w.Body.Bytes())
	if w.Code != 500 || !strings.Contains(w.Body.String(), "not in the audit trail") || ids["g-0500"] != 2 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if len(ids) > 600 || int(writes.Load()) != len(ids) {
		t.Errorf("%d were pruned, and %d written to the trail", len(ids), writes.Load())
	}
}
