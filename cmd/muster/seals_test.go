package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muster/test/logs"
)

// With --ca-key-file the store has no key that is of use without that file, and a manager without it does not start.
func TestTheAuthoritysKeyIsSealed(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	file := func(name, content string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good, other := file("seal", strings.Repeat("a", 32)+"\n"), file("other", strings.Repeat("b", 32))
	plain := startServingIn(t, data)
	roots := plain.file(rootsFile)
	plain.wait()
	sealed := startServingIn(t, data, "--ca-key-file", good)
	if sealed.file(rootsFile) != roots {
		t.Error("it is another authority now")
	}
	sealed.wait()
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, `authority "1": key: is sealed by the ca-key-file`},
		{[]string{"--ca-key-file", other}, `authority "1": key: is sealed by the ca-key-file`},
		{[]string{"--ca-key-file", file("short", "secret")}, "must hold at least 32 random bytes, has 6"},
		{[]string{"--ca-key-file", filepath.Join(data, "none")}, "ca-key-file: "},
	} {
		var log logs.Buffer
		err := run(t.Context(), data, io.Discard, &log, c.args...)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error()+log.String(), "secret") {
			t.Errorf("%q: %v; want %s", c.args, err, c.want)
		}
	}
	again := startServingIn(t, data, "--ca-key-file", other+","+good)
	if again.file(rootsFile) != roots {
		t.Error("it is another authority now")
	}
	again.must(200, "POST", "/api/v2/authorities/roll", "")
	if shown := again.must(200, "GET", "/api/v2/authorities", ""); strings.Count(shown, `"sealed":true`) != 2 || strings.Contains(shown, "PRIVATE KEY") {
		t.Errorf("after a roll-over: %s", shown)
	}
}
