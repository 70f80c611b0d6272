package admin_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	devices "muster/manager/fleet"
	"muster/topics"
)

// till is a device of shops that is at that config.
func till(name string, applied, wanted topics.Version, labels map[string]string) devices.Detail {
	seen := time.Now().Add(-30 * time.Second)
	d := devices.Detail{Device: devices.Device{
		Device: name, DeviceGroup: "shops", Online: true, Phase: topics.PhaseSettled, Labels: labels, LastSeen: &seen,
		Applied: applied, Wanted: wanted, Failing: []topics.Failure{},
	}}
	if applied != wanted {
		d.Behind, d.Phase = true, "behind"
	}
	return d
}

// tills are a manager with four devices: one at its config, one behind, one on which an app fails, and one offline.
func tills(t *testing.T) map[string]devices.Detail {
	t.Helper()
	server := shops(t)
	v1 := wanted(t)
	muster(t, "restart", "app", "web")
	v2 := wanted(t)
	failing, gone := till("till-3", v2, v2, nil), till("till-4", v1, v2, nil)
	failing.Failing = []topics.Failure{{App: "web", Code: topics.ReasonPortTaken, Reason: "80 is taken"}}
	gone.Online = false
	all := map[string]devices.Detail{}
	for _, d := range []devices.Detail{till("till-1", v2, v2, map[string]string{"site": "north", "floor": "2"}), till("till-2", v1, v2, map[string]string{"site": "south"}), failing, gone} {
		all[d.Device.Device] = d
	}
	behind, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", httputil.NewSingleHostReverseProxy(behind))
	mux.HandleFunc("GET /api/v2/devices", func(w http.ResponseWriter, r *http.Request) { answer(t, w, 200, list(all, r.URL.Query())) })
	mux.HandleFunc("/api/v2/devices/{device}", func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue("device")
		d, ok := all[name]
		switch {
		case !ok:
			answer(t, w, 403, map[string]bool{"device_exists": false})
			return
		case r.Method == http.MethodDelete:
			delete(all, name)
			answer(t, w, 200, map[string]any{})
			return
		case r.Method == http.MethodPatch:
			var change struct {
				Labels map[string]*string `json:"labels"`
				Note   *string            `json:"note"`
			}
			if err := json.NewDecoder(r.Body).Decode(&change); err != nil {
				t.Error(err)
			}
			d.Labels = maps.Clone(d.Labels)
			for key, value := range change.Labels {
				if delete(d.Labels, key); value != nil {
					d.Labels[key] = *value
				}
			}
			if change.Note != nil {
				d.Note = *change.Note
			}
			all[name] = d
		}
		answer(t, w, 200, d)
	})
	fake := httptest.NewServer(mux)
	t.Cleanup(fake.Close)
	t.Setenv("MUSTER_URL", fake.URL)
	return all
}

// wanted is what the devices of shops are to have now.
func wanted(t *testing.T) (v topics.Version) {
	t.Helper()
	if err := json.Unmarshal([]byte(muster(t, "describe", "config", "shops", "-o", "json").stdout), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func answer(t *testing.T, w http.ResponseWriter, status int, v any) {
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		t.Error(err)
	}
}

func list(all map[string]devices.Detail, q url.Values) devices.Page {
	page := devices.Page{Devices: []devices.Device{}, Counts: &devices.Counts{}}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		d := all[name].Device
		if is := q.Get("online"); is != "" && (is == "true") != d.Online {
			continue
		}
		if is := q.Get("behind"); is != "" && (is == "true") != d.Behind {
			continue
		}
		if is := q.Get("failing"); is != "" && (is == "true") != (len(d.Failing) > 0) {
			continue
		}
		fails := func(f topics.Failure) bool { return f.App == q.Get("failing_app") }
		if app := q.Get("failing_app"); app != "" && !slices.ContainsFunc(d.Failing, fails) {
			continue
		}
		if group := q.Get("device_group"); group != "" && group != d.DeviceGroup {
			continue
		}
		if phase := q.Get("phase"); phase != "" && phase != d.Phase {
			continue
		}
		if slices.ContainsFunc(q["label"], func(l string) bool {
			key, value, valued := strings.Cut(l, "=")
			has, ok := d.Labels[key]
			return !ok || valued && has != value
		}) {
			continue
		}
		page.Counts.Devices++
		switch {
		case !d.Online:
			page.Counts.Offline++
		case d.Behind:
			page.Counts.Behind++
		default:
			page.Counts.Current++
		}
		if d.Online {
			page.Counts.Online++
			if len(d.Failing) > 0 {
				page.Counts.Failing++
			}
		}
		if name > q.Get("after") {
			page.Devices = append(page.Devices, d)
		}
	}
	return page
}
