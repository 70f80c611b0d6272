package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/client"

	"muster/test/rig"
)

// An installation is a manager, its broker, a registry, and devices, all on this machine and all under
// names and ports of their own.
type installation struct {
	t      testing.TB
	dir    string
	engine *client.Client
	// own is the engine behind engine, or nil when that is the machine's.
	own      *rig.Engine
	registry *rig.Registry
	// external is the broker beside the manager, or nil when the manager embeds it.
	external           *rig.Broker
	httpAddr, mqttAddr string
	manager            *program
	password           string
}

// forEachBroker runs a test with the embedded broker and with Mosquitto.
func forEachBroker(t *testing.T, test func(t *testing.T, in *installation)) {
	t.Run("embedded", func(t *testing.T) {
		test(t, install(t, nil))
	})
	t.Run("mosquitto", func(t *testing.T) {
		test(t, install(t, rig.Mosquitto(t, rig.MosquittoOptions{})))
	})
}

// install starts all but the devices.
func install(t testing.TB, external *rig.Broker) *installation {
	t.Helper()
	return installOn(t, rig.Docker(t), external)
}

// installOwn starts all but the devices, which will have an engine that the test may do anything to.
func installOwn(t testing.TB, o rig.EngineOptions) *installation {
	t.Helper()
	own := rig.OwnEngine(t, o)
	in := installOn(t, own.Client, nil)
	in.own = own
	return in
}

func installOn(t testing.TB, engine *client.Client, external *rig.Broker) *installation {
	t.Helper()
	in := installManager(t, external)
	in.engine, in.registry = engine, rig.NewRegistry(t)
	return in
}

// installManager starts a manager and its broker, and nothing else.
func installManager(t testing.TB, external *rig.Broker) *installation {
	t.Helper()
	in := newInstallation(t, external)
	in.startManager()
	in.password = in.read(in.dataDir(), "admin-password")
	return in
}

// newInstallation starts nothing.
func newInstallation(t testing.TB, external *rig.Broker) *installation {
	t.Helper()
	port := rig.FreePorts(t, 2)
	in := &installation{
		t: t, dir: t.TempDir(), external: external,
		httpAddr: fmt.Sprintf("127.0.0.1:%d", port), mqttAddr: fmt.Sprintf("127.0.0.1:%d", port+1),
	}
	if external != nil {
		in.mqttAddr = external.Addr()
	}
	return in
}

func (in *installation) dataDir() string { return filepath.Join(in.dir, "data") }

func (in *installation) read(dir, name string) string {
	in.t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		in.t.Fatal(err)
	}
	return strings.TrimSpace(string(content))
}

// reconnect keeps devices and managers from backing off for long while tests kill brokers in a row.
var reconnect = []string{"--reconnect-min", "50ms", "--reconnect-max", "500ms"}

// startManager runs "muster serve" and waits until it is ready.
func (in *installation) startManager(more ...string) {
	in.t.Helper()
	args := []string{"serve", "--data-dir", in.dataDir(), "--http-addr", in.httpAddr, "--https-addr", "127.0.0.1:0", "--cache-time", "1s"}
	if in.external != nil {
		args = slices.Concat(args, reconnect, []string{"--broker-url", in.external.URL()})
	} else {
		args = append(args, "--mqtt-addr", in.mqttAddr, "--mqtt-tls-addr", "127.0.0.1:0", "--mqtt-wss-addr", "127.0.0.1:0")
	}
	in.manager = start(in.t, "muster", append(args, more...)...)
	in.manager.awaitLog("ready")
}

// A device is a worker with its own state directory and name.
type device struct {
	in     *installation
	name   string
	group  string
	broker string // host:port
	worker *program
}

// newDevice makes a device without starting its worker. Its containers are gone when the test has ended.
func (in *installation) newDevice(group string) *device {
	d := &device{in: in, name: rig.Name("device"), group: group, broker: in.mqttAddr}
	in.t.Cleanup(func() {
		if d.worker != nil {
			d.worker.kill()
		}
		if in.own == nil {
			d.removeContainers()
		}
	})
	return d
}

func (d *device) stateDir() string { return filepath.Join(d.in.dir, d.name) }

// start runs the worker.
func (d *device) start(more ...string) {
	d.in.t.Helper()
	args := slices.Concat([]string{
		"--broker-url", "mqtt://" + d.broker, "--device-group", d.group, "--device", d.name,
		"--state-dir", d.stateDir(), "--check-in-time", "2s",
		"--take-over-nebula=false", // there are several workers on one engine
	}, reconnect, more)
	if d.in.own != nil {
		args = append(args, "--docker-host", d.in.own.Host)
	}
	d.worker = start(d.in.t, "muster-worker", args...)
}
