// Package kafka takes reports to Kafka, and reads them from there.
//
// [Sink] is an end of the bridge: it writes what the spool has. [Reader] is how "muster reporter" gets at what a bridge, or a
// Nebula's worker, has written. See docs/decisions/kafka.md.
package kafka
