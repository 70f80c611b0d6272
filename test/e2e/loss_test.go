package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"muster/bridge/spool"
	"muster/test/rig"
)

const (
	lossDevices = 200
	lossWorkers = 3
)

// lossTime is how long there is trouble: MUSTER_LOSS, such as 30m, or a time that is short enough to test each change.
func lossTime(t *testing.T) time.Duration {
	t.Helper()
	given := os.Getenv("MUSTER_LOSS")
	if given == "" {
		return 15 * time.Second
	}
	d, err := time.ParseDuration(given)
	if err != nil {
		t.Fatalf("MUSTER_LOSS: %v", err)
	}
	return d
}

// Every report that was acknowledged is in Kafka and in the stores in the end, and each device's in order, whatever is killed and
// whatever Kafka does meanwhile.
func TestNothingAcknowledgedIsLost(t *testing.T) {
	t.Run("embedded", func(t *testing.T) {
		l := newLoss(t, nil)
		// It becomes full while Kafka does not answer.
		serve := append(l.kafkaFlags(), "--report-ttl", "720h", "--spool-size", strconv.Itoa(int(2*spool.MinSize*lossTime(t).Seconds()/15)))
		l.begin(serve...)
		other := newInstallation(t, nil)
		other.startManager("--bridge=false", "--report-ttl", "720h")
		other.password = other.read(other.dataDir(), "admin-password")
		startReporter := func() *program {
			return start(t, "muster", append([]string{"reporter", "--data-dir", other.dataDir(), "--report-ttl", "720h"}, l.kafkaFlags()...)...)
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
	})
}

// A loss is a fleet that reports while there is trouble: simulated devices, of which it is known what was acknowledged, and
// workers, which keep that to themselves.
type loss struct {
	t       *testing.T
	in      *installation
	kafka   *kfake.Cluster
	fleet   []*reporting
	pest    *nonsense
	workers []*device
	kills   int
}

func newLoss(t *testing.T, external *rig.Broker) *loss {
	t.Helper()
	l := &loss{t: t, in: newInstallation(t, external)}
	l.pest = &nonsense{addr: l.in.mqttAddr}
	l.startKafka()
	return l
}

// begin starts a manager with these flags, and the devices.
func (l *loss) begin(serve ...string) {
	l.t.Helper()
	l.in.engine = rig.Docker(l.t)
	l.in.startManager(serve...)
	l.in.password = l.in.read(l.in.dataDir(), "admin-password")
	l.in.must("POST", "/device_groups/shops", fields{"apps": []string{}, "cron_jobs": []string{}})
	for i := range lossDevices {
		l.fleet = append(l.fleet, newReporting(fmt.Sprintf("device-%03d", i), l.in.mqttAddr, []string{"5", "3.1.1"}[i%2]))
	}
	for range lossWorkers {
		l.workers = append(l.workers, l.in.newDevice("shops"))
		l.startWorker(len(l.workers) - 1)
	}
}

func (l *loss) startWorker(i int) { l.workers[i].start("--report-interval", "1s") }

// storm has the fleet report while there is trouble, and until each simulated device has told what it had to.
func (l *loss) storm(kill func()) {
	l.t.Helper()
	over := make(chan struct{})
	var devices sync.WaitGroup
	for _, d := range l.fleet {
		devices.Go(func() { d.run(over) })
	}
	devices.Go(func() { l.pest.run(over) })
	devices.Go(func() { l.troubleKafka(over) })
	trouble := time.NewTimer(lossTime(l.t))
	for round, more := 0, true; more; round++ {
		select {
		case <-trouble.C:
			more = false
		case <-time.After(500*time.Millisecond + rand.N(2*time.Second)):
			worker := round % lossWorkers
			l.workers[worker].worker.kill()
			kill()
			l.startWorker(worker)
			l.kills++
		}
	}
	close(over)
	devices.Wait()
}
