package admin_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"muster/manager/store"
	"muster/topics/token"
)

// A token is printed alone and this once; it works until it is deleted.
func TestTokens(t *testing.T) {
	server := shops(t)
	if err := server.Store.UserGroups().Create(t.Context(), store.UserGroup{UserGroup: "deployers", Apps: map[string]store.Right{"web": "rw"}}); err != nil {
		t.Fatal(err)
	}
	made := map[string]token.Token{}
	for _, tc := range []struct{ args, note string }{
		{"token create --group shops --uses 20", `token ID for 20 devices in device_group shops, until TIME`},
		{"token create -g shops", `token ID for one device in device_group shops, until TIME`},
		{"token create -g shops --device till-7 --approve --ttl 2h", `token ID for device till-7 in device_group shops, until TIME`},
		{"token create ci --user-group deployers --ttl 24h --mqtt-role viewer", `token ID for "ci", until TIME`},
		{"token create broker --broker-auth", `token ID for "broker", without an end`},
		{"token create root --admin", `token ID for "root", without an end`},
	} {
		r := muster(t, strings.Fields(tc.args)...)
		shown, err := token.Parse(strings.TrimSuffix(r.stdout, "\n"))
		if err != nil || r.code != 0 {
			t.Fatalf("%s: %+v", tc.args, r)
		}
		note := strings.ReplaceAll(r.stderr, shown.ID, "ID")
		note = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`).ReplaceAllString(note, "TIME")
		if note != "muster: "+tc.note+"\n" {
			t.Errorf("%s: says %q", tc.args, r.stderr)
		}
		made[strings.Fields(tc.args)[2]] = shown
	}

	r := muster(t, "token", "list")
	for _, want := range []string{
		`ID +KIND +NAME +FOR +USED +EXPIRES +BY`,
		`[A-Z2-7]{10} +enroll +- +shops +0 of 20 +\S+Z +root`,
		`[A-Z2-7]{10} +enroll +- +shops/till-7, to be approved +0 of 1 +\S+Z +root`,
		`[A-Z2-7]{10} +api +ci +deployers,MQTT viewer +- +\S+Z +root`,
		`[A-Z2-7]{10} +api +broker +broker auth +- +never +root`,
		`[A-Z2-7]{10} +api +root +admin +- +never +root`,
	} {
		if !regexp.MustCompile(`(?m)^` + want + `$`).MatchString(r.stdout) {
			t.Errorf("no line %s in\n%s", want, r.stdout)
		}
	}
	var listed []map[string]any
	if err := json.Unmarshal([]byte(muster(t, "token", "list", "-o", "json").stdout), &listed); err != nil || len(listed) != 6 || listed[0]["used"] != 0. || listed[5]["expires"] != nil {
		t.Errorf("as JSON: %v, %v", listed, err)
	}
	for name, shown := range made {
		if strings.Contains(r.stdout, shown.Secret()) {
			t.Errorf("the list has the secret of %s", name)
		}
		if _, has := listed[0]["hash"]; has {
			t.Error("the list has a hash")
		}
	}

	muster(t, "token", "create", "ci", "--admin").want(t, 1, "", "muster: token \"ci\" exists already\n")
	muster(t, "token", "create", "--group", "none").want(t, 1, "", "muster: token: one of its device_groups does not exist\n")
	t.Setenv("MUSTER_TOKEN", made["ci"].Text())
	muster(t, "token", "list").want(t, 1, "", "muster: not allowed: list tokens\n")
	if r := muster(t, "get", "app", "web"); r.code != 0 {
		t.Errorf("with the rights of its user_groups: %+v", r)
	}
	t.Setenv("MUSTER_TOKEN", made["root"].Text())
	muster(t, "token", "delete", "ci", "none", listed[0]["id"].(string)).want(t, 1,
		"token \"ci\" deleted\ntoken \""+listed[0]["id"].(string)+"\" deleted\n",
		"muster: token \"none\": invalid name: must be the ID of a token, which is 10 capital letters or digits from 2 to 7\n")
	t.Setenv("MUSTER_TOKEN", made["ci"].Text())
	muster(t, "status").want(t, 1, "", "muster: credentials are missing or wrong\n")
}

// Flags that mean nothing where they are given, or would be taken for being left out, are refused before anybody is asked.
func TestTokenFlags(t *testing.T) {
	manager(t).Close() // whoever asks gets exit code 1
	for args, want := range map[string]string{
		"token":                               "token what? create, list or delete",
		"token create":                        "needs either --group, for devices, or a NAME, for a program",
		"token create ci --group shops":       "needs either --group, for devices, or a NAME, for a program",
		"token create ci --admin --uses 2":    "uses: is for devices, which have a --group",
		"token create ci --admin --approve":   "approve: is for devices, which have a --group",
		"token create -g shops --admin":       "admin: is for programs, which have a NAME",
		"token create -g shops --mqtt-role x": "mqtt-role: is for programs, which have a NAME",
		"token create -g shops --uses 0":      "uses: must be 1 or more, is 0",
		"token create -g shops --ttl 0":       "ttl: must be 1s or more",
		"token create -g shops --ttl 500ms":   "ttl: must be 1s or more",
		"token create -g shops --ttl soon":    "must be a duration",
		"token delete":                        "requires at least 1 arg(s)",
		"token create a b":                    "accepts at most 1 arg(s)",
	} {
		if r := muster(t, strings.Fields(args)...); r.code != 2 || r.stdout != "" || !strings.Contains(r.stderr, want) || strings.Count(r.stderr, "\n") != 1 {
			t.Errorf("%s: %+v, want exit code 2 and %q", args, r, want)
		}
	}
}
