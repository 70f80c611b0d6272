package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muster/cmd/internal/program"
)

// Wrong settings are one line and an exit code of their own, before anything is opened.
func TestFlagsAreRefused(t *testing.T) {
	ca := filepath.Join(t.TempDir(), "nowhere")
	broken := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(broken, []byte(`{"auths":hidden`), 0o600); err != nil {
		t.Fatal(err)
	}
	const pinned = "ABCDEFGHIJ.ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	const good = "--device-group=g --broker-url=mqtt://127.0.0.1:1 "
	for args, want := range map[string]string{
		"": "device-group: must be given",
		"--device-group=a/b --broker-url=mqtt://127.0.0.1:1":            `device-group: "a/b"`,
		"--device-group=g --device=a/b --broker-url=mqtt://127.0.0.1:1": `device: "a/b"`,
		"--device-group=g": "broker-url: must be given",
		"--device-group=g --broker-url=http://127.0.0.1":                                                    "broker-url: ",
		"--device-group=g --broker-url=mqtt://127.0.0.1:1 --topic-root=a/#":                                 "topic-root: ",
		"--device-group=g --broker-url=mqtt://127.0.0.1:1 --state-dir=":                                     "state-dir: must not be empty",
		"--device-group=g --broker-url=mqtt://127.0.0.1:1 --log-level=loud":                                 "log-level: must be",
		"--device-group=g --broker-url=mqtt://127.0.0.1:1 --check-in-time=0":                                "check-in-time",
		"--device-group=g --broker-url=mqtts://127.0.0.1:1 --broker-ca-file=" + ca:                          ca,
		"--device-group=g --broker-url=mqtt://127.0.0.1:1 --reconnect-min=2m --reconnect-max=1m":            "reconnect-min: must be at most",
		"--broker-url=mqtt://127.0.0.1:1":                                                                   "device-group: must be given, or enroll-token",
		"--broker-url=mqtts://127.0.0.1:1 --enroll-token=hidden":                                            "enroll-token: must be a token",
		"--broker-url=mqtts://127.0.0.1:1 --enroll-token-file=" + ca:                                        "enroll-token-file: ",
		"--broker-url=mqtts://127.0.0.1:1 --enroll-token=hidden --enroll-token-file=" + ca:                  "enroll-token: is of no use beside",
		"--broker-url=mqtt://192.0.2.1 --enroll-token=" + pinned:                                            "broker-url: must be mqtts:// or wss:// to enroll by",
		"--enroll-token=" + pinned:                                                                          "broker-url: must be given",
		"--enroll-token=" + pinned + " --enroll-url=http://192.0.2.1":                                       "enroll-url: must start with https://",
		good + "--disk-reserve=lots":                                                                        "disk-reserve",
		good + "--disk-reserve=-1GB":                                                                        "must be a size, such as 200MB, 1.5GB or 1GiB, or 0",
		good + "--outbox-size=100kB":                                                                        "outbox-size: must be 132KB or more, is 100kB",
		good + "--max-pulls=0":                                                                              "max-pulls: must be 1 or more",
		good + "--max-restart-wait=-1s":                                                                     "max-restart-wait",
		good + "--registry-auth-user=u":                                                                     "registry-auth-user: needs",
		good + "--registry-auth-password=hidden":                                                            "registry-auth-password: is of no use without",
		good + "--registry-auth-password-file=" + ca:                                                        "registry-auth-password-file: is of no use without",
		good + "--registry-auth-user=u --registry-auth-password-file=" + ca:                                 ca,
		good + "--registry-auth-user=u --registry-auth-password=hidden --registry-auth-password-file=" + ca: "registry-auth-password: is of no use beside",
		good + "--docker-config=" + ca:                                                                      "docker-config: ",
		good + "--docker-config=" + broken:                                                                  broken + " is not valid",
	} {
		var stderr bytes.Buffer
		code := program.Run(newCommand(io.Discard, &stderr), append([]string{"--device=d", "--state-dir=" + t.TempDir()}, strings.Fields(args)...), &stderr)
		if got := stderr.String(); code != program.Misused || !strings.Contains(got, want) || strings.Count(got, "\n") != 1 {
			t.Errorf("%s: exit code %d, stderr %q, want %d and %q", args, code, got, program.Misused, want)
		}
		if strings.Contains(stderr.String(), "hidden") {
			t.Errorf("%s: stderr %q tells a secret", args, stderr.String())
		}
	}
}
