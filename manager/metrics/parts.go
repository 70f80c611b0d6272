package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"muster/broker"
	"muster/manager/checkin"
	"muster/manager/devices"
	"muster/manager/publish"
	"muster/manager/snapshot"
)

// Parts are those of a manager that count for themselves. All are required but Server.
type Parts struct {
	Configs   *snapshot.Maker
	Publisher *publish.Publisher
	Checkins  *checkin.Responder
	Devices   *devices.Fleet
	// Connected reports whether there is a connection to the broker.
	Connected func() bool
	// Server is the embedded broker; nil when the broker is an external one.
	Server *broker.Server
}

// Watch adds what the parts count. It must be called once.
func (m *Metrics) Watch(p Parts) {
	m.counter("muster_configs_made_total", "Configs of device_groups made because documents had changed.", nil, p.Configs.Made)

	const publishes = "muster_config_publishes_total"
	const publishesHelp = "Messages on config topics: ok and cleared ones were acknowledged by the broker, failed ones are tried again."
	m.counter(publishes, publishesHelp, prometheus.Labels{"result": "ok"}, func() int64 { return p.Publisher.Counts().Published })
	m.counter(publishes, publishesHelp, prometheus.Labels{"result": "failed"}, func() int64 { return p.Publisher.Counts().Failed })
	m.counter(publishes, publishesHelp, prometheus.Labels{"result": "cleared"}, func() int64 { return p.Publisher.Counts().Cleared })
	m.gauge("muster_device_groups_store_behind", "Device_groups of which the fleet has a newer config than the store.", func() float64 {
		return float64(len(p.Publisher.Behind()))
	})

	for word, outcome := range checkin.Outcomes() {
		m.counter("muster_checkins_total", "Check-ins of devices, by what became of them.", prometheus.Labels{"outcome": word}, func() int64 {
			return p.Checkins.Count(outcome)
		})
	}
	m.counter("muster_checkin_replies_failed_total", "Replies to check-ins that the broker did not take.", nil, p.Checkins.Failed)

	m.watchFleet(p.Devices, p.Configs.Groups)

	m.gauge("muster_broker_connected", "1 while there is a connection to the broker, else 0.", func() float64 {
		if p.Connected() {
			return 1
		}
		return 0
	})
	if p.Server != nil {
		m.watchServer(p.Server)
	}
}

// WatchCertificate adds when the TLS certificate ends. It must be called once at most.
func (m *Metrics) WatchCertificate(expiry func() time.Time) {
	m.gauge("muster_tls_certificate_expiry_timestamp_seconds", "When the certificate of the TLS listeners ends, in Unix time.", func() float64 {
		return float64(expiry().Unix())
	})
}

func (m *Metrics) watchServer(s *broker.Server) {
	m.gauge("muster_broker_connections", "Network clients of the embedded broker.", func() float64 { return float64(s.Connections()) })
	m.gauge("muster_broker_retained_messages", "Topics of the embedded broker that have a retained message.", func() float64 {
		return float64(s.Stats().Retained)
	})
	m.counter("muster_broker_connections_refused_total", "Logins that the embedded broker refused.", nil, func() int64 { return s.Stats().Refused })
	const dropped, droppedHelp = "muster_broker_messages_dropped_total", "Messages that the embedded broker dropped because who they were for did not take them."
	m.counter(dropped, droppedHelp, prometheus.Labels{"to": "network"}, func() int64 { return s.Stats().Dropped })
	m.counter(dropped, droppedHelp, prometheus.Labels{"to": "process"}, func() int64 { return s.Stats().DroppedInProcess })
	m.counter("muster_broker_panics_total", "Connections that ended because a packet made the embedded broker panic.", nil, func() int64 {
		return s.Stats().Panics
	})
}

func (m *Metrics) counter(name, help string, labels prometheus.Labels, count func() int64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(
		prometheus.CounterOpts{Name: name, Help: help, ConstLabels: labels},
		func() float64 { return float64(count()) },
	))
}

func (m *Metrics) gauge(name, help string, value func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
}
