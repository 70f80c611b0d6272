package main

import (
	"log/slog"

	"muster/bridge"
	"muster/cmd/internal/kafkaflags"
	"muster/cmd/internal/program"
)

// kafkaSink is the sink of a bridge that has a Kafka.
func kafkaSink(f kafkaflags.SinkFlags, log *slog.Logger) sinkSpec {
	return sinkSpec{"kafka", func(string) (bridge.Sink, error) {
		return f.Open("muster-bridge-"+program.HostName(), log)
	}}
}
