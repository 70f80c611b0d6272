package e2e

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"muster/topics"
)

// A reporting is a device that does nothing but report, as docs/protocol.md asks: one report after another, each until it is
// acknowledged.
type reporting struct {
	name, addr, version string
	boots               int
	last                delivery
	acked               []delivery
	ackedAt             []time.Time
	// sent counts what was published, repetitions included; refused what a broker without room sent back.
	sent, refused int
	broken        int // connections
	failed        error
}

func newReporting(name, addr, version string) *reporting {
	return &reporting{name: name, addr: addr, version: version, boots: 1}
}

// run reports until over is closed and the last report is acknowledged.
func (d *reporting) run(over <-chan struct{}) {
	pending := ""
	for d.failed == nil {
		err := d.connection(over, &pending)
		if err == nil {
			return
		}
		d.broken++
		time.Sleep(50*time.Millisecond + rand.N(200*time.Millisecond))
	}
}

var errRefused = errors.New("refused for good")

// connection reports over one connection; pending is the report that is not acknowledged.
func (d *reporting) connection(over <-chan struct{}, pending *string) error {
	w, err := dialWire(d.addr, d.version, d.name)
	if err != nil {
		return err
	}
	defer w.Close()
	for {
		if *pending == "" {
			select {
			case <-over:
				return nil
			case <-time.After(rand.N(400 * time.Millisecond)):
			}
			*pending = d.next()
		}
		_ = w.SetDeadline(time.Now().Add(10 * time.Second))
		if err := w.publish(topics.DefaultRoot.Topic(topics.DeviceReport, d.name), *pending); err != nil {
			return err
		}
		d.sent++
		ack, err := w.receive(puback)
		if err != nil {
			return err
		}
		switch code := reason(ack); {
		case code < 0x80:
			d.acked, d.ackedAt = append(d.acked, d.last), append(d.ackedAt, time.Now())
			*pending = ""
		case code == 0x97 || code == 0x89:
			d.refused++
			time.Sleep(rand.N(200 * time.Millisecond))
		default:
			d.failed = fmt.Errorf("%w: %#x for %s", errRefused, code, *pending)
			return d.failed
		}
	}
}

// reason is the reason code of a PUBACK.
func reason(body []byte) byte {
	if len(body) < 3 {
		return 0
	}
	return body[2]
}

// next is the next report; now and then the first one of another boot. Some clocks are as devices' clocks are.
func (d *reporting) next() string {
	d.last.Seq++
	if rand.N(40) == 0 {
		d.boots, d.last.Seq = d.boots+1, 1
	}
	at := time.Now()
	switch d.name[len(d.name)-1] {
	case '0':
		at = time.Unix(1, 0)
	case '1':
		at = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	d.last = delivery{Device: d.name, Boot: fmt.Sprintf("b%05d", d.boots), Seq: d.last.Seq, Created: at.Unix()}
	return fmt.Sprintf(`{"device":%q,"device_group":"shops","report_id":%q,"boot":%q,"seq":%d,"phase":"settled","report_creation_time":%d,"at":%q}`,
		d.name, d.last.id(), d.last.Boot, d.last.Seq, d.last.Created, at.UTC().Format(time.RFC3339))
}
