package e2e

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"muster/test/rig"
)

// testMosquittoLoss kills "muster bridge", which brings reports to Kafka, and "muster serve", which brings them to its store, each by
// a session of its own at a Mosquitto; and that, too, when killBroker says so.
func testMosquittoLoss(t *testing.T, killBroker bool) {
	broker, _ := rig.DeployedMosquitto(t)
	l := newLoss(t, broker)
	var bridges []*program
	startBridge := func() {
		args := slices.Concat([]string{"bridge", "--data-dir", filepath.Join(l.in.dir, "bridge"), "--broker-url", broker.URL()}, reconnect, smallSpool(t), l.kafkaFlags())
		bridges = append(bridges, start(t, "muster", args...))
	}
	startBridge()
	const session = "a new session at the MQTT broker"
	bridges[0].awaitLog(session)
	l.startManager(keepAll...)
	l.in.manager.awaitLog(session)
	l.startFleet()
	brokerStarted := time.Now()
	l.storm(func() {
		bridges[len(bridges)-1].kill()
		l.in.manager.kill()
		if killBroker && time.Since(brokerStarted) > 2*unsaved {
			broker.Stop()
			l.brokerKilled = append(l.brokerKilled, time.Now())
			broker.Start()
			brokerStarted = time.Now()
		}
		startBridge()
		l.in.startManager(keepAll...)
	})
	l.verify(end{"store", l.stored(l.in), false}, end{"Kafka", l.inKafka, false})
	if killBroker {
		return
	}
	l.verifyRows(l.in)
	l.verifyDeadLetters()
	if !slices.ContainsFunc(bridges, func(b *program) bool { return strings.Contains(b.log.String(), "reports cannot be spooled") }) {
		t.Error("the spool never was full")
	}
}
