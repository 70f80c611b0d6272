package rig

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// DeployedMosquitto starts the Mosquitto of deploy/mosquitto, on a port and in a directory of the test's own.
func DeployedMosquitto(t testing.TB) (b *Broker, dir string) {
	t.Helper()
	root, err := moduleRoot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(root, "deploy", "mosquitto", "mosquitto.conf"))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(content)) {
		if !strings.HasPrefix(line, "persistence_location ") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	dir = t.TempDir()
	return Mosquitto(t, MosquittoOptions{Dir: dir, Config: strings.Join(lines, "\n")}), dir
}
