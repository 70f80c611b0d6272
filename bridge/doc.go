// Package bridge brings devices' reports from MQTT to those who keep them, without losing one that was acknowledged.
//
//	source ──▶ Take ──▶ spool (on disk) ──▶ pump ──▶ Sink, one pump and one cursor for each
//	  ▲                   │
//	  └──── PUBACK ◀──────┘
//
// A source acknowledges a PUBLISH when Take has returned nil, and not before. Sources are the embedded broker's publish
// path and package bridge/mqtt; sinks are bridge/storage and bridge/kafka. See docs/decisions/bridge.md.
package bridge
