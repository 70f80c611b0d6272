package worker

import (
	"context"

	"muster/topics"
)

// A Link connects the worker to its managers over MQTT. The real one is in the folder link. It keeps
// trying to connect by itself; what it hears it hands over on the channels of the worker's choice.
//
// Incoming data goes one way: configs, from the retained message and from check-in replies alike, arrive
// as parsed and checked [topics.Config]s on one channel, and the worker's Offer keeps the newer.
type Link interface {
	// Configs delivers each valid config of the worker's device_group that arrives, from either source.
	// A slow reader gets the newest only.
	Configs() <-chan Offered
	// SetReport replaces what the link tells about this device: at once while connected, and after each
	// connection. It does not block, and the report is not changed any more.
	SetReport(r topics.Report)
	// Have tells the link which config the worker holds, for the check-ins. It does not block.
	Have(v topics.Version)
	// Progress publishes how far a pull is, at most once a second per app. It does not block.
	Progress(p topics.Progress)
	// Run connects and checks in until ctx ends, then says goodbye. It returns an error only when it can
	// never work with its configuration, or was told to end when it fails to report.
	Run(ctx context.Context) error
}

// An Offered config is a candidate for what the worker should run.
type Offered struct {
	Config topics.Config
	// Payload is the config as it was received, byte for byte.
	Payload []byte
	// From says where it came from, for the log: "retained" or "check-in".
	From string
}
