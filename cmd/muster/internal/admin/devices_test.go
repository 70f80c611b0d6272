package admin_test

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"

	devices "muster/manager/fleet"
	"muster/manager/store"
)

func TestDevicesInATable(t *testing.T) {
	tills(t)
	for args, want := range map[string]string{
		"": "NAME DEVICE_GROUP IDENTITY STATE CONFIG WANTED FAILING LAST_SEEN LABELS\n" +
			"till-1 shops - settled 2 2 - AGO floor=2,site=north\n" +
			"till-2 shops - behind 1 2 - AGO site=south\n" +
			"till-3 shops - failing 2 2 web AGO -\n" +
			"till-4 shops - offline 1 2 - AGO -\n",
		"till-2 till-1 -L site,floor": "NAME DEVICE_GROUP IDENTITY STATE CONFIG WANTED FAILING LAST_SEEN SITE FLOOR\n" +
			"till-2 shops - behind 1 2 - AGO south -\n" +
			"till-1 shops - settled 2 2 - AGO north 2\n",
		"--limit=1 -L site": "NAME DEVICE_GROUP IDENTITY STATE CONFIG WANTED FAILING LAST_SEEN SITE\n" +
			"till-1 shops - settled 2 2 - AGO north\n" +
			"muster: there are more than these 1: see --limit and --count\n",
		"--limit=4 -L site --online=false": "NAME DEVICE_GROUP IDENTITY STATE CONFIG WANTED FAILING LAST_SEEN SITE\n" +
			"till-4 shops - offline 1 2 - AGO -\n",
		"--count": "DEVICES ONLINE OFFLINE CURRENT BEHIND UPDATING FAILING\n4 3 1 2 1 0 1\n",
		"none till-4 -L a": "NAME DEVICE_GROUP IDENTITY STATE CONFIG WANTED FAILING LAST_SEEN A\n" +
			"till-4 shops - offline 1 2 - AGO -\n" +
			"muster: device \"none\" does not exist\n",
	} {
		r := muster(t, append([]string{"get", "devices"}, strings.Fields(args)...)...)
		got := regexp.MustCompile(`(less than a|\d+) seconds? ago`).ReplaceAllString(r.stdout+r.stderr, "AGO")
		if got = regexp.MustCompile(" +").ReplaceAllString(got, " "); got != want {
			t.Errorf("%s: the table is\n%s\nwant\n%s", args, got, want)
		}
	}
	muster(t, "get", "devices", "till-1", "--online").want(t, 2, "", "muster: NAME: cannot be joined by --online\n")
	muster(t, "get", "devices", "till-1", "--pending").want(t, 2, "", "muster: NAME: cannot be joined by --pending\n")
	muster(t, "get", "devices", "till-1", "--count").want(t, 2, "", "muster: NAME: cannot be joined by --count\n")
	if r := muster(t, "get", "devices", "--label", "no key"); r.code != 1 || !strings.HasPrefix(r.stderr, "muster: devices: label: ") {
		t.Errorf("%+v", r)
	}
}

func TestDevicesByWhatTheyAre(t *testing.T) {
	tills(t)
	for args, want := range map[string]string{
		"":                                     "till-1 till-2 till-3 till-4",
		"--online":                             "till-1 till-2 till-3",
		"--online=false":                       "till-4",
		"--behind":                             "till-2 till-4",
		"--behind=false":                       "till-1 till-3",
		"--failing":                            "till-3",
		"--failing=false --online":             "till-1 till-2",
		"--phase behind --online":              "till-2",
		"--label site":                         "till-1 till-2",
		"--label site=north --label floor":     "till-1",
		"-l site=south -l floor":               "",
		"-g shops":                             "till-1 till-2 till-3 till-4",
		"-g lab":                               "",
		"--failing-app web":                    "till-3",
		"--failing-app batch":                  "",
		"till-3 till-1":                        "till-3 till-1",
		"--device-group shops --phase settled": "till-1 till-3",
	} {
		r := muster(t, append([]string{"get", "devices", "-o", "json"}, strings.Fields(args)...)...)
		var found []devices.Device
		if err := json.Unmarshal([]byte(r.stdout), &found); err != nil || r.code != 0 || r.stderr != "" {
			t.Errorf("%s: %v, %+v", args, err, r)
		}
		var names []string
		for _, d := range found {
			names = append(names, d.Device)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s: %s, want %s", args, got, want)
		}
	}
	var one devices.Detail
	if r := muster(t, "get", "device", "till-3", "-o", "json"); json.Unmarshal([]byte(r.stdout), &one) != nil || one.Device.Device != "till-3" || r.code != 0 {
		t.Errorf("%+v", r)
	}
	if r := muster(t, "get", "devices", "--count", "-o", "yaml"); !strings.HasPrefix(r.stdout, "devices: 4\nonline: 3\n") {
		t.Errorf("%+v", r)
	}
}

func TestDescribeDevice(t *testing.T) {
	tills(t)
	r := muster(t, "describe", "device", "till-3")
	if r.code != 0 || !strings.Contains(r.stdout, "\nas wanted     no: app web fails: port_taken\n") || !strings.Contains(r.stdout, "port_taken: 80 is taken\n") || !strings.Contains(r.stdout, "\nconnection    online since ") {
		t.Errorf("%+v", r)
	}
	if r := muster(t, "describe", "device", "till-3", "-o", "yaml"); !strings.HasPrefix(r.stdout, "device: till-3\ndevice_group: shops\nonline: true\n") {
		t.Errorf("%+v", r)
	}
	muster(t, "describe", "device", "none").want(t, 1, "", "muster: device \"none\" does not exist\n")
}

func TestLabelDevice(t *testing.T) {
	server := tills(t)
	kept := func() store.Device {
		t.Helper()
		d, err := server.Store.Devices().Get(t.Context(), "till-1")
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	muster(t, "label", "device", "till-1", "site=", "floor-", "door=a=b", "x-", "--note", "the screen is cracked").want(t, 0,
		"device \"till-1\" labeled (door=a=b,site=)\n", "")
	if note := kept().Note; note != "the screen is cracked" {
		t.Errorf("the note is %q", note)
	}
	muster(t, "label", "device", "till-1", "--note=").want(t, 0, "device \"till-1\" labeled (door=a=b,site=)\n", "")
	if note := kept().Note; note != "" {
		t.Errorf("the note is %q", note)
	}
	muster(t, "label", "device", "none", "a=b").want(t, 1, "", "muster: device \"none\" does not exist\n")
	for args, want := range map[string]string{
		"till-1":             "there is nothing to change: give KEY=VALUE, KEY- or --note",
		"till-1 site":        `"site": must be KEY=VALUE or KEY-`,
		"till-1 =north":      `"=north": must be KEY=VALUE or KEY-`,
		"till-1 -- -":        `"-": must be KEY=VALUE or KEY-`,
		"till-1 a=1 a-":      `"a": is given twice`,
		"till-1 ok=1 a=1 a=": `"a": is given twice`,
	} {
		muster(t, append([]string{"label", "device"}, strings.Fields(args)...)...).want(t, 2, "", "muster: "+want+"\n")
	}
	if labels := kept().Labels; len(labels) != 2 {
		t.Errorf("a command that was wrong has left labels %v", labels)
	}
}

func TestDeleteDevice(t *testing.T) {
	server := tills(t)
	muster(t, "delete", "device", "none", "till-1").want(t, 1, "device \"till-1\" deleted\n", "muster: device \"none\" does not exist\n")
	if _, err := server.Store.Devices().Get(t.Context(), "till-1"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("till-1 is there: %v", err)
	}
	muster(t, "describe", "device", "till-1").want(t, 1, "", "muster: device \"till-1\" does not exist\n")
}

func TestCompletionOfDevices(t *testing.T) {
	tills(t)
	for args, want := range map[string]string{
		"get devices ":                 "till-1 till-2 till-3 till-4",
		"get devices t":                "till-1 till-2 till-3 till-4",
		"get devices till-2":           "till-2",
		"get devices till-2 ":          "till-1 till-3 till-4",
		"get devices u":                "",
		"describe device till":         "till-1 till-2 till-3 till-4",
		"describe device till-1 ":      "",
		"label device till-4":          "till-4",
		"label device till-4 ":         "",
		"delete devices till-4 till-3": "till-3",
		"watch ":                       "lab shops",
		"watch lab ":                   "",
	} {
		r := muster(t, append([]string{"__complete"}, strings.Split(args, " ")...)...)
		offered, directive, _ := strings.Cut(r.stdout, ":")
		if got := strings.Join(strings.Fields(offered), " "); got != want || directive != "4\n" || r.code != 0 {
			t.Errorf("%q: %+v, want %q and no files", args, r, want)
		}
	}
}
