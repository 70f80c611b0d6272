package e2e

import (
	"net"
	"os"
	"os/exec"
	"regexp"
	"testing"

	"muster/topics"
)

// The devices of a few lines in docs/protocol.md work as they stand there.
func TestMinimalDevices(t *testing.T) {
	document, err := os.ReadFile("../../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	in := installManager(t, nil)
	in.must("POST", "/apps/web", fields{"docker_image": "registry.invalid/hello:v1"})
	in.must("POST", "/device_groups/shops", fields{"apps": []string{"web"}, "cron_jobs": []string{}})
	host, port, err := net.SplitHostPort(in.mqttAddr)
	if err != nil {
		t.Fatal(err)
	}
	statuses := in.subscribe(topics.DefaultRoot.Filter(topics.DeviceStatus), "-F", "%t %p")
	reports := in.subscribe(topics.DefaultRoot.Filter(topics.DeviceReport), "-F", "%t %p")
	for _, tc := range []struct {
		language, device string
		interpreter      []string
		configID         int64
		says             string
	}{
		{"python", "till-3", []string{"/usr/bin/python3", "-c"}, 1, "applying"},
		{"sh", "till-2", []string{"sh", "-c"}, 0, `"config":{"epoch":`},
	} {
		block := regexp.MustCompile("(?s)\n```" + tc.language + "\n(.*?)```\n").FindSubmatch(document)
		if block == nil {
			t.Fatalf("docs/protocol.md has no device in %s", tc.language)
		}
		cmd := exec.Command(tc.interpreter[0], append(tc.interpreter[1:], string(block[1]))...)
		cmd.Env = append(cmd.Environ(), "BROKER="+host, "PORT="+port)
		e := &example{in: in, name: tc.device, file: tc.language, program: run(t, tc.language, cmd)}
		e.program.awaitLog(tc.says)
		e.awaitStatus(statuses, topics.Online, -1)
		e.awaitReport(reports, tc.configID)
	}
}
