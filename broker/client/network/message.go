package network

import (
	"errors"
	"fmt"
	"time"

	"github.com/eclipse/paho.golang/paho"

	"muster/broker/client"
	"muster/topics"
)

// checkMessage finds what a broker would end the connection for.
func checkMessage(m client.Message) error {
	if err := topics.CheckTopicName(m.Topic); err != nil {
		return err
	}
	if m.QoS > 1 {
		return fmt.Errorf("QoS must be 0 or 1, is %d", m.QoS)
	}
	if m.Expiry < 0 {
		return fmt.Errorf("expiry must not be negative, is %v", m.Expiry)
	}
	if m.ResponseTopic != "" {
		if err := topics.CheckTopicName(m.ResponseTopic); err != nil {
			return fmt.Errorf("response %w", err)
		}
	}
	return nil
}

func checkSubscription(s client.Subscription) error {
	if s.Handler == nil {
		return errors.New("a subscription needs a handler")
	}
	if s.QoS > 1 {
		return fmt.Errorf("QoS must be 0 or 1, is %d", s.QoS)
	}
	if share, _, err := topics.SplitShared(s.Filter); err != nil || share != "" {
		return fmt.Errorf("topic filter %.80q: the share's name belongs into Share", s.Filter)
	}
	if s.Share == "" {
		return topics.CheckFilter(s.Filter)
	}
	if got, _, err := topics.SplitShared(sharedFilter(s)); err != nil || got != s.Share {
		return fmt.Errorf("share %.80q: must not contain '/', '+' or '#'", s.Share)
	}
	return topics.CheckFilter(sharedFilter(s))
}

func sharedFilter(s client.Subscription) string { return "$share/" + s.Share + "/" + s.Filter }

// packetSize is at most this: 32 bytes are enough for all lengths and identifiers.
func packetSize(m client.Message) int64 {
	return int64(len(m.Topic)+len(m.Payload)+len(m.ContentType)+len(m.ResponseTopic)+len(m.CorrelationData)) + 32
}

func outgoing(m client.Message) *paho.Publish {
	p := &paho.Publish{
		Topic: m.Topic, Payload: m.Payload, QoS: m.QoS, Retain: m.Retain,
		Properties: &paho.PublishProperties{
			ContentType: m.ContentType, ResponseTopic: m.ResponseTopic, CorrelationData: m.CorrelationData,
		},
	}
	if m.Expiry > 0 {
		p.Properties.MessageExpiry = new(seconds(m.Expiry))
	}
	return p
}

func received(p *paho.Publish) client.Message {
	m := client.Message{Topic: p.Topic, Payload: p.Payload, QoS: p.QoS, Retain: p.Retain}
	if properties := p.Properties; properties != nil {
		m.ContentType, m.ResponseTopic = properties.ContentType, properties.ResponseTopic
		m.CorrelationData = properties.CorrelationData
		if properties.MessageExpiry != nil {
			m.Expiry = time.Duration(*properties.MessageExpiry) * time.Second
		}
	}
	return m
}
