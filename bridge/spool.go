package bridge

import (
	"context"
	"time"
)

// A Spool keeps records on the disk until every sink has them. Package bridge/spool has the one there is.
type Spool interface {
	// Append adds records, all or none, behind those there are. When it returns nil they survive a loss of power. It fails with
	// [ErrFull] when there is no room for all of them. When ctx ends first, it is open whether they are added.
	Append(ctx context.Context, records ...Record) error
	// Read returns the oldest records that the sink has not done, at most limit of them and about 4 MiB; none when it has done all.
	Read(sink string, limit int) ([]Record, error)
	// Wait returns when there is something to read for the sink, or ctx ends. It fails when the spool can be used no more.
	Wait(ctx context.Context, sink string) error
	// Done says that the sink has all records up to that offset. After a crash it may be forgotten again.
	Done(sink string, offset uint64)
	// Stats returns the counts of now.
	Stats() SpoolStats
}

// SpoolStats say what is in a spool now.
type SpoolStats struct {
	// Records counts what is kept for at least one sink, and Bytes is its size.
	Records, Bytes int64
	// Used is how much of the disk it takes in bytes, and Limit how much it may take.
	Used, Limit int64
	// Sinks say what is still to be brought to each.
	Sinks map[string]Lag
}

// A Lag is what a sink does not have yet.
type Lag struct {
	Records, Bytes int64
	// Oldest is when the first of them was received; zero when there is none.
	Oldest time.Time
}
