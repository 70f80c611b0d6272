package admin_test

import (
	"strings"
	"testing"
)

// What is wrong in a command line ends it before a manager is asked, with exit code 2.
func TestUsageErrors(t *testing.T) {
	server := manager(t)
	server.Close() // whoever asks gets exit code 1
	for args, want := range map[string]string{
		"get":                       "get what? see muster get --help",
		"get nodes":                 `unknown command "nodes" for "muster get"`,
		"frobnicate":                `unknown command "frobnicate" for "muster"`,
		"get apps --nope":           "unknown flag: --nope",
		"get apps -o xml":           "must be one of table, json, yaml",
		"describe app":              "accepts 1 arg(s), received 0",
		"describe app a b":          "accepts 1 arg(s), received 2",
		"describe app a -o table":   "must be one of yaml, json",
		"describe config shops x":   `CONFIG_ID: must be a whole number, is "x"`,
		"delete app":                "requires at least 1 arg(s)",
		"restart web":               `unknown command "web" for "muster restart"`,
		"prune":                     "prune what? DEVICE_GROUP... or --all",
		"prune shops --all":         "prune what? DEVICE_GROUP... or --all",
		"get reports --limit -1":    "invalid argument",
		"get reports --since never": "must be a duration above zero",
		"create user":               "accepts 1 arg(s)",
		"create user ann --generate --new-password-file f": "none of the others can be",
		"create user ann --new-password-file /nowhere":     "new-password-file: open /nowhere",
		"get apps --url ftp://x":                           "url: must be http:// or https://HOST[:PORT]",
		"get apps --timeout 0":                             "must be a duration above zero",
	} {
		r := muster(t, strings.Fields(args)...)
		if r.code != 2 || r.stdout != "" || !strings.Contains(r.stderr, want) || strings.Count(r.stderr, "\n") != 1 {
			t.Errorf("%s: %+v, want exit code 2 and %q", args, r, want)
		}
	}
}

func TestExitCodesAreExplained(t *testing.T) {
	if r := muster(t, "help", "exit-codes"); r.code != 0 || !strings.Contains(r.stdout, "2  the command line") {
		t.Errorf("%+v", r)
	}
}
