package metrics_test

import (
	"testing"
	"time"

	"muster/bridge"
	"muster/manager/metrics"
)

// bridged are the counts of a bridge whose Kafka is down.
func bridged() bridge.Stats {
	return bridge.Stats{
		Spool: bridge.SpoolStats{Records: 40, Bytes: 4000, Used: 8192, Limit: 1 << 30, Sinks: map[string]bridge.Lag{
			"store": {}, "kafka": {Records: 40, Bytes: 4000, Oldest: time.Now().Add(-time.Hour)},
		}},
		Taken: 100, Flawed: 3, RefusedFlawed: 5, RefusedFull: 7,
		Sinks: map[string]bridge.SinkStats{"store": {Written: 100}, "kafka": {Written: 60, Retries: 9, Failing: "no leader", LeftOut: map[string]int64{"dead_letter": 3}}},
	}
}

func TestBridge(t *testing.T) {
	m := metrics.New("1.2.3")
	m.WatchBridge(bridged)
	sink, outcome := func(s string) map[string]string { return map[string]string{"sink": s} }, func(s string) map[string]string { return map[string]string{"outcome": s} }
	for _, test := range []struct {
		name   string
		labels map[string]string
		want   float64
	}{
		{"muster_bridge_reports_total", outcome("spooled"), 97},
		{"muster_bridge_reports_total", outcome("flawed"), 3},
		{"muster_bridge_reports_total", outcome("refused"), 5},
		{"muster_bridge_reports_total", outcome("full"), 7},
		{"muster_bridge_spool_records", nil, 40},
		{"muster_bridge_spool_used_bytes", nil, 8192},
		{"muster_bridge_spool_limit_bytes", nil, 1 << 30},
		{"muster_bridge_sink_lag_records", sink("kafka"), 40},
		{"muster_bridge_sink_written_total", sink("kafka"), 60},
		{"muster_bridge_sink_written_total", sink("store"), 100},
		{"muster_bridge_sink_retries_total", sink("kafka"), 9},
		{"muster_bridge_sink_left_out_total", map[string]string{"sink": "kafka", "why": "dead_letter"}, 3},
		{"muster_bridge_sink_failing", sink("kafka"), 1},
		{"muster_bridge_sink_failing", sink("store"), 0},
	} {
		if got := value(t, m, test.name, test.labels); got != test.want {
			t.Errorf("%s%v is %v, want %v", test.name, test.labels, got, test.want)
		}
	}
	if age := value(t, m, "muster_bridge_sink_lag_seconds", sink("kafka")); age < 3600 || age > 3660 {
		t.Errorf("the oldest report is %v s old, want an hour", age)
	}
	if age := value(t, m, "muster_bridge_sink_lag_seconds", sink("store")); age != 0 {
		t.Errorf("without any, the oldest report is %v s old", age)
	}
}
