package e2e

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"muster/bridge/spool"
)

// keepAll has stores keep all reports until they are counted.
var keepAll = []string{"--report-ttl", "720h"}

// smallSpool becomes full while Kafka does not answer.
func smallSpool(t *testing.T) []string {
	t.Helper()
	return []string{"--spool-size", strconv.Itoa(int(2 * spool.MinSize * max(1, lossTime(t).Minutes())))}
}

// testEmbeddedLoss kills "muster serve", which is broker, bridge and manager, and a reporter that brings what comes out of Kafka to
// another store.
func testEmbeddedLoss(t *testing.T) {
	l := newLoss(t, nil)
	serve := slices.Concat(keepAll, smallSpool(t), l.kafkaFlags())
	l.startManager(serve...)
	l.startFleet()
	other := newInstallation(t, nil)
	other.startManager(append(keepAll, "--bridge=false")...)
	other.password = other.read(other.dataDir(), "admin-password")
	startReporter := func() *program {
		return start(t, "muster", slices.Concat([]string{"reporter", "--data-dir", other.dataDir()}, keepAll, l.kafkaFlags())...)
	}
	reporter, reporters := startReporter(), 1
	l.storm(func() {
		l.in.manager.kill()
		l.in.startManager(serve...)
		if strings.Contains(reporter.log.String(), "partitions of Kafka's topic are this member's") {
			reporter.kill()
			reporter = startReporter()
			reporters++
		}
	})
	t.Logf("%d reporters took turns", reporters)
	l.verify(end{"store", l.stored(l.in), true}, end{"Kafka", l.inKafka, false}, end{"store of a reporter", l.stored(other), false})
	l.verifyRows(l.in)
	l.verifyRows(other)
	l.verifyDeadLetters()
	if !slices.ContainsFunc(l.fleet, func(d *reporting) bool { return d.refused > 0 }) {
		t.Error("the spool never was full")
	}
	if len(l.pest.refused) == 0 || len(l.pest.cut) == 0 {
		t.Error("the pest was told nothing")
	}
}
