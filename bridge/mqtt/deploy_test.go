package mqtt

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"muster/bridge"
	"muster/test/rig"
)

// More reports wait for a bridge that is away than Mosquitto keeps by default.
func TestDeployedBrokerKeepsReports(t *testing.T) {
	b, _ := rig.DeployedMosquitto(t)
	kept := &spool{}
	s, stop := run(t, options(t, b.URL(), "b", kept))
	connected(t, s)
	stop()
	d := newDevice(t, b.URL(), "d1")
	d.report(1200)
	_, _ = run(t, options(t, b.URL(), "b", kept))
	d.want(kept)
}

// What Mosquitto has saved, within a second, it still has after it was killed, for a bridge that is there and for one that is away.
func TestKilledBroker(t *testing.T) {
	b, dir := rig.DeployedMosquitto(t)
	kept := &spool{}
	s, stop := run(t, options(t, b.URL(), "b", kept))
	connected(t, s)
	d := newDevice(t, b.URL(), "d1")
	kept.fail(bridge.ErrFull) // so that nothing is acknowledged
	d.report(10)
	saved(t, dir, numbered(10))
	b.Stop()
	b.Start()
	kept.fail(nil)
	d.want(kept)
	if got := s.Stats(); got.Lost != 0 {
		t.Errorf("%+v: the session was on the disk", got)
	}
	stop()
	d.report(10)
	saved(t, dir, numbered(20))
	b.Stop()
	b.Start()
	_, _ = run(t, options(t, b.URL(), "b", kept))
	d.want(kept)
}

// saved returns when the broker has the text on the disk.
func saved(t *testing.T, dir, text string) {
	t.Helper()
	eventually(t, "the broker saves what it has", func() bool {
		content, err := os.ReadFile(filepath.Join(dir, "mosquitto.db"))
		return err == nil && bytes.Contains(content, []byte(text))
	})
}
