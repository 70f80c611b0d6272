package metrics_test

import (
	"testing"

	"muster/bridge/kafka"
	"muster/manager/metrics"
)

// readFromKafka are the counts of a reporter whose store is down.
func readFromKafka() kafka.ReaderStats {
	return kafka.ReaderStats{Read: 50, Retries: 6, Failing: "no space left", Partitions: 3, Lag: 70}
}

func leftOutFromKafka() map[string]int64 { return map[string]int64{"flawed": 8, "refused": 2} }

func TestReporter(t *testing.T) {
	m := metrics.New("1.2.3")
	m.WatchReporter(readFromKafka, leftOutFromKafka)
	for _, test := range []struct {
		name   string
		labels map[string]string
		want   float64
	}{
		{"muster_reporter_messages_total", nil, 50},
		{"muster_reporter_left_out_total", map[string]string{"why": "flawed"}, 8},
		{"muster_reporter_left_out_total", map[string]string{"why": "refused"}, 2},
		{"muster_reporter_retries_total", nil, 6},
		{"muster_reporter_failing", nil, 1},
		{"muster_reporter_partitions", nil, 3},
		{"muster_reporter_lag_messages", nil, 70},
	} {
		if got := value(t, m, test.name, test.labels); got != test.want {
			t.Errorf("%s%v is %v, want %v", test.name, test.labels, got, test.want)
		}
	}
}
