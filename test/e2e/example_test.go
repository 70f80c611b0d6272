package e2e

import (
	"cmp"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"muster/test/logs"
	"muster/test/rig"
	"muster/topics"
)

// The examples for those who make a device without our code do what docs/protocol.md asks of a device, with MQTT 5 and 3.1.1.
func TestExamples(t *testing.T) {
	t.Run("embedded", func(t *testing.T) { testExamples(t, installManager(t, nil)) })
	t.Run("mosquitto", func(t *testing.T) { testExamples(t, installManager(t, rig.Mosquitto(t, rig.MosquittoOptions{}))) })
}

func testExamples(t *testing.T, in *installation) {
	in.must("POST", "/apps/web", fields{"docker_image": "registry.invalid/hello:v1"})
	in.must("POST", "/device_groups/shops", fields{"apps": []string{"web"}, "cron_jobs": []string{}})
	statuses := in.subscribe(topics.DefaultRoot.Filter(topics.DeviceStatus), "-F", "%t %p")
	reports := in.subscribe(topics.DefaultRoot.Filter(topics.DeviceReport), "-F", "%t %p")

	var examples []*example
	for _, version := range []string{"5", "3.1.1"} {
		examples = append(examples, in.newExample("device.py", version), in.newExample("device.sh", version))
	}
	for _, e := range examples {
		e.start()
	}
	for _, e := range examples {
		e.program.awaitLog("config 1 applied")
		e.awaitStatus(statuses, topics.Online, 1)
		e.awaitReport(reports, 1)
	}
	in.must("PUT", "/apps/web/update", fields{"env_vars": fields{"GREETING": "hi"}})
	for _, e := range examples {
		e.program.awaitLog("config 2 applied")
		e.awaitReport(reports, 2)
		e.session = e.awaitStatus(statuses, topics.Online, 2).Session
		e.awaitWill()
		e.program.kill()
	}
	for _, e := range examples {
		// The will may be that of a connection that began before the change.
		if s := e.awaitStatus(statuses, topics.Offline, -1); s.Session < e.session {
			t.Errorf("%s: the will ends session %d, which was %d at least", e.name, s.Session, e.session)
		} else {
			e.session = s.Session
		}
		e.start()
	}
	for _, e := range examples {
		if s := e.awaitStatus(statuses, topics.Online, 2); s.Session <= e.session {
			t.Errorf("%s: the session after %d is %d", e.name, e.session, s.Session)
		}
		if strings.Contains(e.program.log.String(), "applied") {
			t.Errorf("%s: what was applied before the restart is applied again", e.name)
		}
	}
	in.restartBroker()
	in.must("PUT", "/apps/web/update", fields{"env_vars": fields{"GREETING": "again"}})
	for _, e := range examples {
		e.program.awaitLog("config 3 applied")
	}
	// The subscribers of the test may not be back yet; what is retained comes whenever they are.
	for _, e := range examples {
		e.awaitStatus(statuses, topics.Online, 3)
		e.inOrder(reports)
	}
}

// restartBroker kills the broker, and the manager that embeds it, and starts it again without anything retained.
func (in *installation) restartBroker() {
	in.t.Helper()
	if in.external != nil {
		in.external.Stop()
		in.external.Start()
		return
	}
	in.manager.kill()
	in.startManager()
}

// shellInterval is how long the shell keeps the connection with the will.
const shellInterval = 5 * time.Second

// An example is one of deploy/examples, running as a device of the group "shops".
type example struct {
	in                *installation
	name              string
	file, mqtt, state string
	program           *program
	session           int64
	// tls is where to connect with the certificate that enroll.sh has got; empty is without.
	tls string
}

func (in *installation) newExample(file, mqtt string) *example {
	name := rig.Name("example")
	return &example{in: in, name: name, file: file, mqtt: mqtt, state: filepath.Join(in.dir, name)}
}

func (e *example) start() {
	e.in.t.Helper()
	host, port, err := net.SplitHostPort(cmp.Or(e.tls, e.in.mqttAddr))
	if err != nil {
		e.in.t.Fatal(err)
	}
	file := filepath.Join("../../deploy/examples", e.file)
	cmd := exec.Command(file, "--host", host, "--port", port, "--mqtt", e.mqtt, "--device", e.name, "--group", "shops",
		"--state", e.state, "--interval", "2", "--reconnect", "0.1", "0.5")
	if e.file == "device.sh" {
		cmd = exec.Command(file)
		cmd.Env = append(cmd.Environ(), "BROKER="+host, "PORT="+port, "MQTT=mqttv"+strings.ReplaceAll(e.mqtt, ".", ""),
			"DEVICE="+e.name, "GROUP=shops", "STATE="+e.state, fmt.Sprintf("INTERVAL=%.0f", shellInterval.Seconds()))
	}
	if e.tls != "" {
		ca, cert, key := filepath.Join(e.state, "ca.pem"), filepath.Join(e.state, "cert.pem"), filepath.Join(e.state, "key.pem")
		cmd.Args = append(cmd.Args, "--ca-file", ca, "--cert-file", cert, "--key-file", key)
		cmd.Env = append(cmd.Environ(), "CA_FILE="+ca, "CERT_FILE="+cert, "KEY_FILE="+key)
	}
	e.program = run(e.in.t, e.file+" "+e.mqtt, cmd)
}

// awaitStatus waits until the newest status of the device is such a one, and has that config_id unless it is -1.
func (e *example) awaitStatus(heard *logs.Buffer, state string, configID int64) (newest topics.Status) {
	e.in.t.Helper()
	await(e.in.t, e.file+" "+e.mqtt+" to be "+state, func() error {
		payloads := e.payloads(heard, topics.DeviceStatus)
		if len(payloads) == 0 {
			return errStill
		}
		s, err := topics.ParseStatus(payloads[len(payloads)-1])
		if err != nil {
			e.in.t.Fatalf("%s: status %s: %v", e.file, payloads[len(payloads)-1], err)
		}
		if newest = s; s.State != state || configID >= 0 && s.ConfigID != configID {
			return fmt.Errorf("it is %+v", s)
		}
		return nil
	})
	return newest
}

// awaitWill waits until the connection with the will is there, and is to last for seconds: the shell has others, one after another.
// It has heard the retained config then, just now, and no other.
func (e *example) awaitWill() {
	e.in.t.Helper()
	if e.file != "device.sh" {
		return
	}
	await(e.in.t, "the connection with the will", func() error {
		path := filepath.Join(e.state, "heard")
		at, err := os.Stat(path)
		if err != nil {
			return err
		}
		heard, err := os.ReadFile(path)
		if err != nil || strings.Count(string(heard), "\n") != 1 || !strings.Contains(string(heard), `"config_id":2,`) {
			return fmt.Errorf("%q, %w", heard, err)
		}
		if age := time.Since(at.ModTime()); age > shellInterval/2 {
			return fmt.Errorf("it was heard %v ago", age)
		}
		return nil
	})
}

// awaitReport waits for a report of the device that has applied the config.
func (e *example) awaitReport(heard *logs.Buffer, configID int64) {
	e.in.t.Helper()
	await(e.in.t, e.file+" "+e.mqtt+" to report", func() error {
		for _, payload := range e.payloads(heard, topics.DeviceReport) {
			r, err := topics.ParseReport(payload)
			if err != nil {
				e.in.t.Fatalf("%s: report %s: %v", e.file, payload, err)
			}
			if r.Device != e.name || r.DeviceGroup != "shops" || r.Boot == "" || r.Seq < 1 {
				e.in.t.Fatalf("%s: report %s", e.file, payload)
			}
			if r.ConfigID == configID && r.Phase == topics.PhaseSettled {
				return nil
			}
		}
		return errStill
	})
}

// inOrder checks that the reports of each start are numbered without going back.
func (e *example) inOrder(heard *logs.Buffer) {
	e.in.t.Helper()
	last := map[string]int64{}
	for _, payload := range e.payloads(heard, topics.DeviceReport) {
		r, err := topics.ParseReport(payload)
		if err != nil {
			e.in.t.Fatal(err)
		}
		if r.Seq < last[r.Boot] {
			e.in.t.Errorf("%s: after report %d of boot %s comes %d", e.file, last[r.Boot], r.Boot, r.Seq)
		}
		last[r.Boot] = r.Seq
	}
	if len(last) < 2 {
		e.in.t.Errorf("%s: the reports are of %d starts, want both", e.file, len(last))
	}
}

// payloads are those that came on the device's topic, oldest first.
func (e *example) payloads(heard *logs.Buffer, kind topics.Kind) (all [][]byte) {
	for line := range strings.Lines(heard.String()) {
		if payload, is := strings.CutPrefix(line, topics.DefaultRoot.Topic(kind, e.name)+" "); is && strings.HasSuffix(line, "\n") {
			all = append(all, []byte(strings.TrimSpace(payload)))
		}
	}
	return all
}
