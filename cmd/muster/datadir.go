package main

import (
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"

	"muster/cmd/internal/program"
	"muster/topics"
)

// Files in the data directory that tell where the process listens.
const (
	httpAddrFile  = "http.addr"
	httpsAddrFile = "https.addr"
	mqttAddrFile  = "mqtt.addr"
	mqttsAddrFile = "mqtts.addr"
	wsAddrFile    = "ws.addr"
	wssAddrFile   = "wss.addr"
)

// addrFiles are all of them.
var addrFiles = []string{httpAddrFile, httpsAddrFile, mqttAddrFile, mqttsAddrFile, wsAddrFile, wssAddrFile}

// rootsFile has the fleet's certificate authorities, in PEM.
const rootsFile = "ca.pem"

// A dataDir is the data directory, locked against a second process.
type dataDir struct {
	path string
	lock *flock.Flock
}

func openDataDir(path string) (*dataDir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("data-dir: %w", err)
	}
	d := &dataDir{path: path, lock: flock.New(filepath.Join(path, "lock"))}
	locked, err := d.lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("data-dir: lock %s: %w", path, err)
	}
	if !locked {
		return nil, fmt.Errorf("data-dir: another muster is running on %s: stop it, or use another directory", path)
	}
	// Addresses of a process that is gone must not be taken for this one's.
	for _, name := range addrFiles {
		if err := os.RemoveAll(filepath.Join(path, name)); err != nil {
			return nil, fmt.Errorf("data-dir: %w", err)
		}
	}
	return d, nil
}

func (d *dataDir) close() error { return d.lock.Close() }

// write puts text into a file; readers see all of it or nothing.
func (d *dataDir) write(name, text string) error {
	path := filepath.Join(d.path, name)
	if err := os.WriteFile(path+".new", []byte(text), 0o644); err != nil {
		return fmt.Errorf("data-dir: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("data-dir: %w", err)
	}
	return nil
}

// managerName is a name on MQTT that stays the same from start to start and differs between the managers of
// one host, which have a data directory each.
func (d *dataDir) managerName() (string, error) {
	path, err := filepath.Abs(d.path)
	if err != nil {
		return "", fmt.Errorf("data-dir: %w", err)
	}
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(path))
	suffix := fmt.Sprintf("-%08x", hash.Sum32())
	host := program.HostName()
	return host[:min(len(host), topics.MaxName-len(suffix))] + suffix, nil
}
