package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"muster/bridge/mqtt"
)

// WatchSource adds what a bridge's source at an external broker counts. It must be called once at most.
func (m *Metrics) WatchSource(stats func() mqtt.Stats) {
	m.registry.MustRegister(sourceCollector{stats})
}

type sourceCollector struct{ stats func() mqtt.Stats }

var (
	sourceConnected = prometheus.NewDesc("muster_bridge_source_connected", "1 while this bridge has the session at the external MQTT broker, else 0.", nil, nil)
	sourceStandby   = prometheus.NewDesc("muster_bridge_source_standby", "1 while another bridge of the same name has it.", nil, nil)
	sourceLost      = prometheus.NewDesc("muster_bridge_source_sessions_lost_total", "How often the broker had forgotten the session, and maybe reports with it.", nil, nil)
	sourceDropped   = prometheus.NewDesc("muster_bridge_source_dropped_total", "Reports of QoS 0 for which there was no room.", nil, nil)
)

func (sourceCollector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{sourceConnected, sourceStandby, sourceLost, sourceDropped} {
		to <- d
	}
}

func (c sourceCollector) Collect(to chan<- prometheus.Metric) {
	s := c.stats()
	for d, is := range map[*prometheus.Desc]bool{sourceConnected: s.Connected, sourceStandby: s.Standby} {
		value := 0.
		if is {
			value = 1
		}
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value)
	}
	to <- prometheus.MustNewConstMetric(sourceLost, prometheus.CounterValue, float64(s.Lost))
	to <- prometheus.MustNewConstMetric(sourceDropped, prometheus.CounterValue, float64(s.Dropped))
}
