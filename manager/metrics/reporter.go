package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"muster/bridge/kafka"
)

// WatchReporter adds what a reporter counts: what it reads from Kafka, and what of that the store does not have. It must be
// called once at most.
func (m *Metrics) WatchReporter(reader func() kafka.ReaderStats, leftOut func() map[string]int64) {
	m.counter("muster_reporter_messages_total", "Messages that were read from Kafka and settled, those that are no reports included.", nil, func() int64 { return reader().Read })
	const left, leftHelp = "muster_reporter_left_out_total", "Messages that are not in the store: flawed ones are no reports, refused ones the store does not take."
	m.counter(left, leftHelp, prometheus.Labels{"why": "flawed"}, func() int64 { return leftOut()["flawed"] })
	m.counter(left, leftHelp, prometheus.Labels{"why": "refused"}, func() int64 { return leftOut()["refused"] })
	m.counter("muster_reporter_retries_total", "Times that reading from Kafka or writing to the store failed and was tried again.", nil, func() int64 { return reader().Retries })
	m.gauge("muster_reporter_failing", "1 while reading from Kafka or writing to the store fails, else 0.", func() float64 {
		if reader().Failing != "" {
			return 1
		}
		return 0
	})
	m.gauge("muster_reporter_partitions", "Partitions of Kafka's topic that this process reads.", func() float64 { return float64(reader().Partitions) })
	m.gauge("muster_reporter_lag_messages", "Messages of those partitions that it has not read yet, as far as it knows.", func() float64 { return float64(reader().Lag) })
}
