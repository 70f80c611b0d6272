package bridge

import (
	"context"
	"errors"
	"time"
)

// A Record is one report on its way, or what came in place of one.
type Record struct {
	// Offset is the record's place in its spool: it rises from 1, and is never used twice. The spool sets it.
	Offset uint64
	// Received is when the source took it, by the clock of this machine, in UTC to the millisecond. It stays the same however
	// often the record is written.
	Received time.Time
	// Topic is the MQTT topic it came in on, and Device the device that it names.
	Topic, Device string
	// Group, ReportID, Boot and Seq are what the payload says; zero where it says nothing of use. (Device, Boot, Seq) tells
	// a repetition and a gap.
	Group, ReportID, Boot string
	Seq                   int64
	// Payload is the report, byte for byte as it was published.
	Payload []byte
	// Flaw says why the payload is no report; empty when it is one.
	Flaw string
}

// ErrFull says that the spool has no room: the publisher is to keep the report and try again later.
var ErrFull = errors.New("the spool of reports is full")

// A Sink is an end to which records go.
type Sink interface {
	// Name is the sink's, by which its cursor is kept: "store" or "kafka".
	Name() string
	// Write brings a batch, of at least one record and in the order of their offsets, to where it stays. When it returns nil
	// every record is there for good, or can never be and was noted as such. An error means that all of them are to be
	// written again, after a while. It is called by one goroutine.
	Write(ctx context.Context, batch []Record) error
}

// A Sorter is a Sink that leaves out what can never be where it brings records.
type Sorter interface {
	Sink
	// LeftOut counts such records since the start, by a word that says why; it has every word from the start.
	LeftOut() map[string]int64
}
