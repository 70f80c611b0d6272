package kafka

import (
	"strconv"

	"github.com/twmb/franz-go/pkg/kgo"

	"muster/bridge"
)

// Headers of a message. One that the report says nothing of is left out.
const (
	HeaderTopic    = "topic"
	HeaderDevice   = "device"
	HeaderGroup    = "device_group"
	HeaderReportID = "report_id"
	HeaderBoot     = "boot"
	HeaderSeq      = "seq"
	// HeaderReason is that of a dead letter: why it is one.
	HeaderReason = "reason"
)

// message is a record as Kafka gets it: with the device as the key, so that the reports of one stay in order, and with the
// payload as it is.
func message(topic string, r bridge.Record) *kgo.Record {
	m := &kgo.Record{Topic: topic, Key: []byte(r.Device), Value: r.Payload, Timestamp: r.Received}
	header := func(key, value string) {
		if value != "" {
			m.Headers = append(m.Headers, kgo.RecordHeader{Key: key, Value: []byte(value)})
		}
	}
	header(HeaderTopic, r.Topic)
	header(HeaderDevice, r.Device)
	header(HeaderGroup, r.Group)
	header(HeaderReportID, r.ReportID)
	header(HeaderBoot, r.Boot)
	if r.Seq != 0 {
		header(HeaderSeq, strconv.FormatInt(r.Seq, 10))
	}
	return m
}

// deadLetter is what comes in place of a record that the topic of reports cannot have.
func deadLetter(topic string, r bridge.Record, reason string) *kgo.Record {
	m := message(topic, r)
	m.Headers = append(m.Headers, kgo.RecordHeader{Key: HeaderReason, Value: []byte(reason)})
	return m
}
