package admin_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

// What a script that rolls out a change sees of how it ends.
func TestWatch(t *testing.T) {
	tills(t)
	muster(t, "delete", "device", "till-2") // which is behind
	const failed = `
DEVICE  DEVICE_GROUP  STATE    CONFIG  WANTED  WHAT
till-3  shops         failing  2       2       app web: port_taken: 80 is taken
`
	for args, want := range map[string]struct {
		code           int
		stdout, stderr string
	}{
		"watch -l site=north":                           {0, "TIME devices with site=north: 1 device: 1 done, 0 updating, 0 waiting, 0 failed, 0 offline; wanted: shops 2\n", ""},
		"watch --label site=east":                       {1, "", "muster: devices with site=east: there is no such device\n"},
		"watch shops --patience 1ms --label site=north": {0, "TIME device_group shops with site=north: 1 device: 1 done, 0 updating, 0 waiting, 0 failed, 0 offline; wanted: shops 2\n", ""},
		"watch shops --patience 1ms": {1,
			"TIME device_group shops: 3 devices: 1 done, 0 updating, 0 waiting, 1 failed, 1 offline; wanted: shops 2\n" + failed,
			"muster: the rollout has failed: 3 devices: 1 done, 0 updating, 0 waiting, 1 failed, 1 offline; wanted: shops 2\n"},
		"watch shops --within 1ms": {4,
			"TIME device_group shops: 3 devices: 1 done, 0 updating, 0 waiting, 1 failed, 1 offline; wanted: shops 2\n" + failed,
			"muster: the rollout is not over in time: 3 devices: 1 done, 0 updating, 0 waiting, 1 failed, 1 offline; wanted: shops 2\n"},
		"watch shops --all --patience 1ms --within 2s": {4,
			"TIME device_group shops: 3 devices: 1 done, 0 updating, 0 waiting, 1 failed, 1 offline; wanted: shops 2\n" + failed,
			"muster: the rollout is not over in time: 3 devices: 1 done, 0 updating, 0 waiting, 1 failed, 1 offline; wanted: shops 2\n"},
		"watch none": {1, "", "muster: device_group \"none\" does not exist\n"},
		"watch":      {2, "", "muster: watch what? give a DEVICE_GROUP or --label\n"},
	} {
		r := muster(t, strings.Fields(args)...)
		r.stdout = regexp.MustCompile(`(?m)^\S+Z `).ReplaceAllString(r.stdout, "TIME ")
		t.Run(args, func(t *testing.T) { r.want(t, want.code, want.stdout, want.stderr) })
	}
}

// What a manager has yet to publish is not taken for done: with several of them, the one that is asked for the config may know
// more than the one that is asked for the devices.
func TestWatchWaitsForTheChange(t *testing.T) {
	nobody(t)
	device := `{"device": "till-1", "device_group": "shops", "online": true, "phase": "settled",
		"applied": {"epoch": "01ARZ3NDEKTSV4RRFFQ69G5FAV", "config_id": 2}, "wanted": {"epoch": "01ARZ3NDEKTSV4RRFFQ69G5FAV", "config_id": 2}}`
	for latest, code := range map[int]int{2: 0, 3: 4} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			answer := fmt.Sprintf(`{"devices": [%s], "next": null, "counts": {"devices": 1, "online": 1, "current": 1}}`, device)
			if strings.HasSuffix(r.URL.Path, "/info") {
				answer = fmt.Sprintf(`{"epoch": "01ARZ3NDEKTSV4RRFFQ69G5FAV", "config_id": %d}`, latest)
			}
			_, _ = io.WriteString(w, answer)
		}))
		for _, which := range []string{"shops", "--label=site=north"} {
			if r := muster(t, "watch", which, "--within=1ms", "--url", server.URL); r.code != code {
				t.Errorf("%s, config %d is the latest: %+v", which, latest, r)
			}
		}
		server.Close()
	}
}
