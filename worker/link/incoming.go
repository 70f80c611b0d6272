package link

import (
	"fmt"

	"muster/broker/client"
	"muster/topics"
	"muster/worker"
)

// onConfig hears the config of the device_group.
func (l *Link) onConfig(m client.Message) {
	if len(m.Payload) == 0 {
		// An admin deleted the group, perhaps by mistake: that must not stop a fleet.
		l.complain("no config for the device_group", "it was deleted; the device keeps what it runs")
		return
	}
	l.complain("no config for the device_group", "")
	if l.hear(m.Payload, "retained") {
		l.heard.Store(true)
	}
}

// onReply hears the answers to check-ins.
func (l *Link) onReply(m client.Message) {
	r, err := topics.ParseCheckinReply(m.Payload)
	if err != nil {
		l.complain("check-in reply ignored", err.Error())
		return
	}
	l.complain("check-in reply ignored", "")
	l.complain("check-in refused", r.Error)
	behind := ""
	if r.StoreBehind {
		behind = "the managers' store is older than this device's config; the device keeps what it runs"
	}
	l.complain("store behind", behind, "store", r.Version.String())
	if r.Config != nil {
		// Also from an answer that is not waited for any more: only its version counts.
		l.hear(r.Config, "check-in")
	}
	l.requests.Handle(m)
}

// hear checks a config and offers it to the worker.
func (l *Link) hear(payload []byte, from string) bool {
	config, err := topics.ParseConfig(payload)
	if err == nil && config.DeviceGroup != l.Group {
		err = fmt.Errorf("it is of device_group %q, this device is in %q", config.DeviceGroup, l.Group)
	}
	if err != nil {
		l.complain("config ignored", err.Error(), "from", from)
		return false
	}
	l.complain("config ignored", "")
	l.offer(worker.Offered{Config: config, Payload: payload, From: from})
	return true
}

// offer leaves the newest config for the worker to take.
func (l *Link) offer(o worker.Offered) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case waiting := <-l.configs:
		if !o.Config.Version.Newer(waiting.Config.Version) {
			o = waiting
		}
	default:
	}
	l.configs <- o // has room: nobody else sends
}
