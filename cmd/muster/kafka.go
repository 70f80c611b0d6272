package main

import (
	"log/slog"

	"muster/bridge"
	"muster/cmd/internal/kafkaflags"
	"muster/cmd/internal/program"
	"muster/manager/metrics"
)

// kafkaSink is the sink of a bridge that has a Kafka.
func kafkaSink(f kafkaflags.SinkFlags, measures *metrics.Metrics, log *slog.Logger) sinkSpec {
	return sinkSpec{"kafka", func(string) (bridge.Sink, error) {
		sink, err := f.Open("muster-bridge-"+program.HostName(), log)
		if err != nil {
			return nil, err
		}
		measures.WatchKafka(sink.Stats)
		return sink, nil
	}}
}
