package admin_test

import (
	"regexp"
	"strings"
	"testing"
)

// What a script that rolls out a change sees of how it ends.
func TestWatch(t *testing.T) {
	all := tills(t)
	delete(all, "till-2")
	for args, want := range map[string]struct {
		code           int
		stdout, stderr string
	}{
		"watch -l site=north":                           {0, "TIME devices with site=north: 1 devices: 1 done, 0 updating, 0 waiting, 0 failed, 0 offline; wanted: shops 2\n", ""},
		"watch --label site=east":                       {1, "", "muster: devices with site=east: there is no such device\n"},
		"watch shops --patience 1ms --label site=north": {0, "TIME device_group shops with site=north: 1 devices: 1 done, 0 updating, 0 waiting, 0 failed, 0 offline; wanted: shops 2\n", ""},
		"watch shops --patience 1ms": {1,
			"TIME device_group shops: 3 devices: 1 done, 0 updating, 0 waiting, 1 failed, 1 offline; wanted: shops 2\n",
			"muster: the rollout has failed: 3 devices: 1 done, 0 updating, 0 waiting, 1 failed, 1 offline; wanted: shops 2\n"},
		"watch shops --within 1ms": {4,
			"TIME device_group shops: 3 devices: 1 done, 0 updating, 0 waiting, 1 failed, 1 offline; wanted: shops 2\n",
			"muster: the rollout is not over in time: 3 devices: 1 done, 0 updating, 0 waiting, 1 failed, 1 offline; wanted: shops 2\n"},
		"watch shops --all --patience 1ms --within 2s": {4,
			"TIME device_group shops: 3 devices: 1 done, 0 updating, 0 waiting, 1 failed, 1 offline; wanted: shops 2\n",
			"muster: the rollout is not over in time: 3 devices: 1 done, 0 updating, 0 waiting, 1 failed, 1 offline; wanted: shops 2\n"},
		"watch none": {1, "", "muster: device_group \"none\" does not exist\n"},
		"watch":      {2, "", "muster: watch what? give a DEVICE_GROUP or --label\n"},
	} {
		r := muster(t, strings.Fields(args)...)
		r.stdout = regexp.MustCompile(`(?m)^\S+Z `).ReplaceAllString(r.stdout, "TIME ")
		t.Run(args, func(t *testing.T) { r.want(t, want.code, want.stdout, want.stderr) })
	}
}

// A change of which the devices have yet to be told is not taken for done.
func TestWatchWaitsForTheChange(t *testing.T) {
	tills(t)
	muster(t, "restart", "app", "web")
	if r := muster(t, "watch", "-l", "site=north", "--within=1ms"); r.code != 4 {
		t.Errorf("%+v", r)
	}
}
