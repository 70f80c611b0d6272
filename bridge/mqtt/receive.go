package mqtt

import (
	"context"
	"strings"
	"time"

	"muster/bridge"
	"muster/broker/client"
	"muster/topics"
)

// An item is a message that waits to be spooled. Without a record it is for another bridge, and waits until those before
// it are acknowledged.
type item struct {
	record      *bridge.Record
	acknowledge func()
}

// receive queues a message. It waits while the queue is full, and so holds up the messages behind it, the broker, and the
// next connection; but not for what came with QoS 0, of which a broker may send without end.
func (s *Source) receive(ctx context.Context, m client.Message, acknowledge func()) {
	in := item{acknowledge: acknowledge}
	if record := read(s.o.Root, m, time.Now()); s.o.Part.Has(record.Device) {
		in.record = &record
	}
	if m.QoS == 0 {
		select {
		case s.queue <- in:
		default:
			s.dropped.Add(1)
		}
		return
	}
	select {
	case s.queue <- in:
	case <-ctx.Done():
	}
}

// read makes a record of a message, also of one for a device that cannot be, such as one with a space in its name.
func read(root topics.Root, m client.Message, now time.Time) bridge.Record {
	topic, err := root.Parse(m.Topic)
	if err == nil {
		return bridge.Read(m.Topic, topic.Name, m.Payload, now)
	}
	device, _, _ := strings.Cut(strings.TrimPrefix(m.Topic, string(root)+"/devices/"), "/")
	record := bridge.Read(m.Topic, device, m.Payload, now)
	record.Flaw = err.Error()
	return record
}
