package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

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
	t.Run("embedded", testEmbeddedLoss)
	t.Run("mosquitto", func(t *testing.T) { testMosquittoLoss(t, false) })
	if os.Getenv("MUSTER_LOSS") != "" {
		t.Run("mosquitto is killed", func(t *testing.T) { testMosquittoLoss(t, true) })
	}
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
	// brokerKilled is when an external broker was killed.
	brokerKilled []time.Time
}

func newLoss(t *testing.T, external *rig.Broker) *loss {
	t.Helper()
	t.Parallel()
	l := &loss{t: t, in: newInstallation(t, external)}
	l.pest = &nonsense{addr: l.in.mqttAddr}
	l.startKafka()
	return l
}

// startManager starts the manager with these flags, for the first time.
func (l *loss) startManager(serve ...string) {
	l.t.Helper()
	l.in.startManager(serve...)
	l.in.password = l.in.read(l.in.dataDir(), "admin-password")
	l.in.must("POST", "/device_groups/shops", fields{"apps": []string{}, "cron_jobs": []string{}})
}

// startFleet makes the simulated devices, and starts the workers.
func (l *loss) startFleet() {
	l.t.Helper()
	l.in.engine = rig.Docker(l.t)
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
