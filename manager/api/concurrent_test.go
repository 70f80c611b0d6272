package api_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Every change gets the next id, however many are made at once, and each answer is the document as that
// change left it.
func TestConcurrentChangesRaiseIDsWithoutGaps(t *testing.T) {
	onEveryStore(t, testConcurrentChangesRaiseIDsWithoutGaps)
}

func testConcurrentChangesRaiseIDsWithoutGaps(t *testing.T, open opener) {
	m := open.manager(t)
	m.fill()
	const changes = 40
	apps, groups := make([]int, changes), make([]int, changes)
	var wg sync.WaitGroup
	for i := range changes {
		wg.Go(func() {
			var app struct {
				AppID int               `json:"app_id"`
				Env   map[string]string `json:"env_vars"`
			}
			w := m.do("PUT", "/apps/web/update", fmt.Sprintf(`{"env_vars": {"N": "%d"}}`, i))
			if err := json.Unmarshal(w.Body.Bytes(), &app); err != nil || w.Code != 202 || app.Env["N"] != fmt.Sprint(i) {
				t.Errorf("change %d: %d %s", i, w.Code, w.Body)
			}
			apps[i] = app.AppID
		})
		wg.Go(func() {
			var group struct {
				ID int `json:"device_group_id"`
			}
			w := m.do("POST", "/device_groups/fleet/update", `{"apps": ["idle", "web"]}`)
			if err := json.Unmarshal(w.Body.Bytes(), &group); err != nil || w.Code != 202 {
				t.Errorf("change %d: %d %s", i, w.Code, w.Body)
			}
			groups[i] = group.ID
		})
	}
	wg.Wait()
	for what, ids := range map[string][]int{"app_id": apps, "device_group_id": groups} {
		slices.Sort(ids)
		for i, id := range ids {
			if id != i+2 {
				t.Fatalf("%s: got %v, want 2 to %d", what, ids, changes+1)
			}
		}
	}
	if got := len(m.changedBy()); got != 2*changes {
		t.Errorf("%d pokes for %d changes", got, 2*changes)
	}
}

// Of many who create the same thing one succeeds.
func TestConcurrentCreates(t *testing.T) { onEveryStore(t, testConcurrentCreates) }

func testConcurrentCreates(t *testing.T, open opener) {
	m := open.manager(t)
	const tries = 20
	for path, body := range map[string]string{"/apps/new": `{"docker_image": "img"}`, "/device_groups/new": `{}`} {
		statuses := make([]int, tries)
		var wg sync.WaitGroup
		for i := range tries {
			wg.Go(func() { statuses[i] = m.do("POST", path, body).Code })
		}
		wg.Wait()
		slices.Sort(statuses)
		if want := append([]int{200}, slices.Repeat([]int{403}, tries-1)...); !slices.Equal(statuses, want) {
			t.Errorf("%s: statuses %v", path, statuses)
		}
	}
}

// Two changes that fit one by one but not together are not both accepted.
func TestConcurrentChangesFitTogether(t *testing.T) {
	onEveryStore(t, testConcurrentChangesFitTogether)
}

func testConcurrentChangesFitTogether(t *testing.T, open opener) {
	m := open.manager(t)
	m.fill()
	if w := m.do("POST", "/device_groups/fleet/update", `{"apps": ["web", "idle"]}`); w.Code != 202 {
		t.Fatal(w.Body)
	}
	grow := fmt.Sprintf(`{"env_vars": {"BIG": "%s"}}`, strings.Repeat("x", 40<<10))
	statuses := make([]int, 2)
	var wg sync.WaitGroup
	for i, app := range []string{"web", "idle"} {
		wg.Go(func() { statuses[i] = m.do("PUT", "/apps/"+app+"/update", grow).Code })
	}
	wg.Wait()
	slices.Sort(statuses)
	if !slices.Equal(statuses, []int{202, 400}) {
		t.Errorf("statuses %v, want one accepted and one refused", statuses)
	}
	m.info("fleet")
}
