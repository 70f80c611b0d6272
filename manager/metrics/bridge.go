package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"muster/bridge"
)

// WatchBridge adds what a bridge counts. It must be called once at most.
func (m *Metrics) WatchBridge(stats func() bridge.Stats) {
	m.registry.MustRegister(bridgeCollector{stats})
}

// A bridgeCollector looks at the spool once for all of its metrics.
type bridgeCollector struct{ stats func() bridge.Stats }

var (
	bridgeReports = prometheus.NewDesc("muster_bridge_reports_total", "Reports that came in, by what became of them.", []string{"outcome"}, nil)
	bridgeRecords = prometheus.NewDesc("muster_bridge_spool_records", "Reports that are kept because a sink does not have them.", nil, nil)
	bridgeUsed    = prometheus.NewDesc("muster_bridge_spool_used_bytes", "Space on the disk that the spool of reports needs.", nil, nil)
	bridgeLimit   = prometheus.NewDesc("muster_bridge_spool_limit_bytes", "Space on the disk that the spool of reports may need.", nil, nil)
	bridgeLag     = prometheus.NewDesc("muster_bridge_sink_lag_records", "Reports that a sink does not have yet.", []string{"sink"}, nil)
	bridgeAge     = prometheus.NewDesc("muster_bridge_sink_lag_seconds", "Age of the oldest report that a sink does not have yet.", []string{"sink"}, nil)
	bridgeWritten = prometheus.NewDesc("muster_bridge_sink_written_total", "Reports that were written to a sink, those that were written twice as well.", []string{"sink"}, nil)
	bridgeRetries = prometheus.NewDesc("muster_bridge_sink_retries_total", "Writes to a sink that failed and are tried again.", []string{"sink"}, nil)
	bridgeLeftOut = prometheus.NewDesc("muster_bridge_sink_left_out_total", "Reports that can never be where a sink brings them, by why.", []string{"sink", "why"}, nil)
	bridgeFailing = prometheus.NewDesc("muster_bridge_sink_failing", "1 while a sink does not take what is written, else 0.", []string{"sink"}, nil)
)

func (bridgeCollector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		bridgeReports, bridgeRecords, bridgeUsed, bridgeLimit, bridgeLag, bridgeAge, bridgeWritten, bridgeRetries, bridgeLeftOut, bridgeFailing,
	} {
		to <- d
	}
}

func (c bridgeCollector) Collect(to chan<- prometheus.Metric) {
	send := func(d *prometheus.Desc, kind prometheus.ValueType, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, kind, value, labels...)
	}
	s := c.stats()
	for outcome, count := range map[string]int64{
		"spooled": s.Taken - s.Flawed, "flawed": s.Flawed, "refused": s.RefusedFlawed, "full": s.RefusedFull,
	} {
		send(bridgeReports, prometheus.CounterValue, float64(count), outcome)
	}
	send(bridgeRecords, prometheus.GaugeValue, float64(s.Spool.Records))
	send(bridgeUsed, prometheus.GaugeValue, float64(s.Spool.Used))
	send(bridgeLimit, prometheus.GaugeValue, float64(s.Spool.Limit))
	for sink, lag := range s.Spool.Sinks {
		age := 0.0
		if !lag.Oldest.IsZero() {
			age = max(0, time.Since(lag.Oldest).Seconds())
		}
		send(bridgeLag, prometheus.GaugeValue, float64(lag.Records), sink)
		send(bridgeAge, prometheus.GaugeValue, age, sink)
	}
	for sink, did := range s.Sinks {
		send(bridgeWritten, prometheus.CounterValue, float64(did.Written), sink)
		send(bridgeRetries, prometheus.CounterValue, float64(did.Retries), sink)
		for why, count := range did.LeftOut {
			send(bridgeLeftOut, prometheus.CounterValue, float64(count), sink, why)
		}
		failing := 0.0
		if did.Failing != "" {
			failing = 1
		}
		send(bridgeFailing, prometheus.GaugeValue, failing, sink)
	}
}
