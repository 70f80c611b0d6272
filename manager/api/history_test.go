package api_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"muster/manager/store"
	"muster/topics"
)

// published puts n configs of a group into the history and returns them, the oldest first.
func (m *manager) published(group string, n int) []store.Snapshot {
	m.t.Helper()
	all := make([]store.Snapshot, n)
	for i := range all {
		content := topics.Content{DeviceGroup: group, DeviceGroupID: int64(i + 1), PruneID: 1}
		v := topics.Version{Epoch: m.store.Epoch(), ConfigID: int64(i + 1)}
		at := time.UnixMilli(1_700_000_000_120 + int64(i)).UTC()
		payload, err := topics.EncodeConfig(v, at, content)
		if err != nil {
			m.t.Fatal(err)
		}
		digest, err := topics.ContentDigest(content)
		if err != nil {
			m.t.Fatal(err)
		}
		all[i] = store.Snapshot{
			Head:    store.Head{DeviceGroup: group, Version: v, SHA256: digest, At: at, By: fmt.Sprint("admin ", i+1)},
			Payload: payload,
		}
		if err := m.store.Snapshots().Append(m.t.Context(), all[i]); err != nil {
			m.t.Fatal(err)
		}
	}
	return all
}

func TestConfigHistory(t *testing.T) {
	onEveryStore(t, func(t *testing.T, open opener) {
		m := open.manager(t)
		m.fill()
		all := m.published("fleet", 5)
		item := func(i int) string {
			s := all[i-1]
			return fmt.Sprintf(`{"config_id": %d, "epoch": %q, "issued_at": "2023-11-14T22:13:20.12%dZ", "by": "admin %d", "sha256": %q}`,
				i, s.Epoch, i-1, i, s.SHA256)
		}
		item1 := fmt.Sprintf(`{"config_id": 1, "epoch": %q, "issued_at": "2023-11-14T22:13:20.12Z", "by": "admin 1", "sha256": %q}`, all[0].Epoch, all[0].SHA256)
		for _, tc := range []struct{ parameters, want string }{
			{"", `{"configs": [` + item(5) + `,` + item(4) + `,` + item(3) + `,` + item(2) + `,` + item1 + `], "next": null}`},
			{"?page_size=5", `{"configs": [` + item(5) + `,` + item(4) + `,` + item(3) + `,` + item(2) + `,` + item1 + `], "next": null}`},
			{"?page_size=2", `{"configs": [` + item(5) + `,` + item(4) + `], "next": 4}`},
			{"?page_size=2&before=4", `{"configs": [` + item(3) + `,` + item(2) + `], "next": 2}`},
			{"?page_size=2&before=2", `{"configs": [` + item1 + `], "next": null}`},
			{"?before=1", `{"configs": [], "next": null}`},
			{"?before=100&page_size=1", `{"configs": [` + item(5) + `], "next": 5}`},
		} {
			t.Run(tc.parameters, func(t *testing.T) {
				wantJSON(t, m.do("GET", "/device_groups/fleet/configs"+tc.parameters, ""), 200, tc.want)
			})
		}
		for i, s := range all {
			if w := m.do("GET", fmt.Sprint("/device_groups/fleet/configs/", i+1), ""); w.Code != 200 || w.Body.String() != string(s.Payload) {
				t.Errorf("config %d: %d\n got %q\nwant %q", i+1, w.Code, w.Body, s.Payload)
			}
		}
	})
}

func TestConfigHistoryOfWhatIsNotThere(t *testing.T) {
	onEveryStore(t, func(t *testing.T, open opener) {
		m := open.manager(t)
		m.fill()
		m.published("gone", 2) // there is no such device_group any more
		const noConfig, none = `{"config_exists": false}`, `{"configs": [], "next": null}`
		for _, tc := range []struct {
			path   string
			status int
			want   string
		}{
			{"/device_groups/fleet/configs", 200, none},
			{"/device_groups/fleet/configs/1", 403, noConfig},
			{"/device_groups/none/configs", 403, noGroup},
			{"/device_groups/none/configs?before=7", 403, noGroup},
			{"/device_groups/none/configs/1", 403, noGroup},
			{"/device_groups/gone/configs?before=1", 200, none},
			{"/device_groups/gone/configs/3", 403, noConfig},
		} {
			t.Run(tc.path, func(t *testing.T) { wantJSON(t, m.do("GET", tc.path, ""), tc.status, tc.want) })
		}
		for _, path := range []string{"/device_groups/a%20b/configs", "/device_groups/a%20b/configs/1"} {
			if w := m.do("GET", path, ""); w.Code != 400 || !json.Valid(w.Body.Bytes()) {
				t.Errorf("%s: %d %s, want 400 invalid_name", path, w.Code, w.Body)
			}
		}
		var page struct{ Configs []struct{ By string } }
		decodeInto(t, m.do("GET", "/device_groups/gone/configs", ""), &page)
		if len(page.Configs) != 2 || page.Configs[0].By != "admin 2" {
			t.Errorf("history of a deleted device_group: %+v", page)
		}
		if w := m.do("GET", "/device_groups/gone/configs/2", ""); w.Code != 200 {
			t.Errorf("config of a deleted device_group: %d %s", w.Code, w.Body)
		}
	})
}

// What devices were told, before and after a device_group was deleted and made again, is one history.
func TestConfigHistoryGoesOn(t *testing.T) {
	onEveryStore(t, func(t *testing.T, open opener) {
		m := open.manager(t)
		m.fill()
		first := m.do("GET", "/device_groups/fleet/info", "").Body.String()
		m.do("DELETE", "/device_groups/fleet", "")
		m.do("POST", "/device_groups/fleet", `{"apps": ["idle"]}`)
		second := m.do("GET", "/device_groups/fleet/info", "").Body.String()
		got := []string{m.do("GET", "/device_groups/fleet/configs/1", "").Body.String(), m.do("GET", "/device_groups/fleet/configs/2", "").Body.String()}
		if diff := cmp.Diff([]string{first, second}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func decodeInto(t testing.TB, w *httptest.ResponseRecorder, into any) {
	t.Helper()
	if err := json.Unmarshal(w.Body.Bytes(), into); err != nil || w.Code != 200 {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
}

// Who made a config is known, whoever looks at it first.
func TestWhoMadeAConfig(t *testing.T) {
	onEveryStore(t, func(t *testing.T, open opener) {
		m := open.manager(t)
		m.fill()
		m.info("fleet")
		m.do("PUT", "/apps/web/update", `{"docker_image": "nginx:2"}`)
		m.info("fleet")
		var page struct{ Configs []struct{ By string } }
		decodeInto(t, m.do("GET", "/device_groups/fleet/configs", ""), &page)
		if len(page.Configs) != 2 || page.Configs[0].By != user || page.Configs[1].By != "" {
			t.Errorf("got %+v", page.Configs)
		}
	})
}
