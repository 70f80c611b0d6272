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
		return 20 * time.Second
	}
	d, err := time.ParseDuration(given)
	if err != nil {
		t.Fatalf("MUSTER_LOSS: %v", err)
	}
	return d
}

// Every report that was acknowledged is in Kafka and in the store in the end, and each device's in order, whatever is killed and
// whatever Kafka does meanwhile.
func TestNothingAcknowledgedIsLost(t *testing.T) {
	t.Run("embedded", func(t *testing.T) {
		l := newLoss(t, nil)
		l.storm(func() {
			l.in.manager.kill()
			l.in.startManager(l.kafkaFlags()...)
		})
		l.verify()
		l.deadLetters()
	})
}

// A loss is a fleet that reports while there is trouble: simulated devices, of which it is known what was acknowledged, and
// workers, which keep that to themselves.
type loss struct {
	t       *testing.T
	in      *installation
	kafka   *kfake.Cluster
	fleet   []*reporting
	workers []*device
	kills   int
}

func newLoss(t *testing.T, external *rig.Broker) *loss {
	t.Helper()
	l := &loss{t: t, in: newInstallation(t, external)}
	l.startKafka()
	l.in.engine = rig.Docker(t)
	l.in.startManager(l.kafkaFlags()...)
	l.in.password = l.in.read(l.in.dataDir(), "admin-password")
	l.in.must("POST", "/device_groups/shops", fields{"apps": []string{}, "cron_jobs": []string{}})
	for i := range lossDevices {
		l.fleet = append(l.fleet, newReporting(fmt.Sprintf("device-%03d", i), l.in.mqttAddr, []string{"5", "3.1.1"}[i%2]))
	}
	for range lossWorkers {
		l.workers = append(l.workers, l.in.newDevice("shops"))
		l.startWorker(len(l.workers) - 1)
	}
	return l
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
	devices.Go(func() { pester(l.in.mqttAddr, over) })
	devices.Go(func() { l.troubleKafka(over) })
	trouble := time.NewTimer(lossTime(l.t))
	for more := true; more; {
		select {
		case <-trouble.C:
			more = false
		case <-time.After(500*time.Millisecond + rand.N(2*time.Second)):
			worker := l.kills % lossWorkers
			l.workers[worker].worker.kill()
			kill()
			l.startWorker(worker)
			l.kills++
		}
	}
	close(over)
	devices.Wait()
}
