package broker

import (
	"errors"

	"github.com/mochi-mqtt/server/v2/packets"

	"muster/topics"
)

// A Published is what was published on a device's report topic.
type Published struct {
	Topic string
	// Device is the one that the topic names.
	Device string
	// Payload must not be kept.
	Payload []byte
	// CanTell says that the publisher gets to know the reason of a [Refusal]: it speaks MQTT 5 and waits for an acknowledgement.
	CanTell bool
}

// A Refusal is an error of the options' Report with what to tell an MQTT 5 publisher.
type Refusal struct {
	// Code is a reason code of PUBACK, 0x80 or above.
	Code byte
	// Reason is for people.
	Reason string
}

func (r *Refusal) Error() string { return r.Reason }

// report hands what was published on a report topic to the options' Report.
func (s *Server) report(pk *packets.Packet, canTell bool) error {
	if s.opts.Report == nil {
		return nil
	}
	if t, err := s.opts.Root.Parse(pk.TopicName); err == nil && t.Kind == topics.DeviceReport {
		return s.opts.Report(Published{Topic: pk.TopicName, Device: t.Name, Payload: pk.Payload, CanTell: canTell})
	}
	return nil
}

// refuse keeps a PUBLISH from being acknowledged, retained and delivered. What it returns is for mochi.
func (c *conn) refuse(pk packets.Packet, err error) error {
	c.complain("to publish a report", "error", err)
	if pk.FixedHeader.Qos == 0 {
		return packets.ErrRejectPacket // nobody waits for an answer
	}
	if refusal, ok := errors.AsType[*Refusal](err); ok && pk.ProtocolVersion == 5 {
		return packets.Code{Code: refusal.Code, Reason: refusal.Reason}
	}
	// There is no way to say it. A publisher whose connection ends without the acknowledgement publishes again.
	c.sayGoodbye(packets.ErrServerBusy)
	c.client.Stop(packets.ErrServerBusy) // what was read already is not looked at
	return packets.ErrRejectPacket
}
