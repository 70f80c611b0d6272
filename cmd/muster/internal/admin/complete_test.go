package admin_test

import (
	"net"
	"strings"
	"testing"
	"time"
)

func TestCompletion(t *testing.T) {
	shops(t)
	for args, want := range map[string]string{
		"get apps ":                "batch web",
		"get apps w":               "web",
		"get apps web ":            "batch",
		"restart app ":             "batch web",
		"delete device-group ":     "lab shops",
		"describe app ":            "batch web",
		"describe app web ":        "",
		"get configs ":             "lab shops",
		"get configs lab ":         "",
		"prune ":                   "lab shops",
		"prune --all ":             "",
		"get apps -o ":             "table json yaml",
		"status ":                  "",
		"login ":                   "",
		"get apps --token=wrong ":  "",
		"get apps --url=nonsense ": "",
	} {
		words := strings.Split(args, " ")
		r := muster(t, append([]string{"__complete"}, words...)...)
		offered, directive, _ := strings.Cut(r.stdout, ":")
		if got := strings.Join(strings.Fields(offered), " "); got != want || directive != "4\n" || r.code != 0 {
			t.Errorf("%q: %+v, want %q and no files", args, r, want)
		}
	}
}

// Who presses Tab does not wait for a manager that does not answer.
func TestCompletionGivesUpSoon(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	nobody(t)
	start := time.Now()
	r := muster(t, "__complete", "get", "apps", "--url", "http://"+silent.Addr().String(), "")
	if r.stdout != ":4\n" || time.Since(start) > 20*time.Second { // less than one --timeout
		t.Errorf("after %v: %+v", time.Since(start), r)
	}
}
