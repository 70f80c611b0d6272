package metrics_test

import (
	"testing"

	"muster/bridge/mqtt"
	"muster/manager/metrics"
)

func sourced() mqtt.Stats { return mqtt.Stats{Connected: true, Lost: 2, Dropped: 3} }

func TestSource(t *testing.T) {
	m := metrics.New("1.2.3")
	m.WatchSource(sourced)
	for name, want := range map[string]float64{
		"muster_bridge_source_connected": 1, "muster_bridge_source_standby": 0,
		"muster_bridge_source_sessions_lost_total": 2, "muster_bridge_source_dropped_total": 3,
	} {
		if got := value(t, m, name, nil); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}
