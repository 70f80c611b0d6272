package bridge

// Stats are counts since the start, but for those of the spool, which are of now.
type Stats struct {
	Spool SpoolStats
	// Taken counts records that were spooled, and Flawed those of them that are no reports.
	Taken, Flawed int64
	// RefusedFlawed counts what is no report and whose publisher was told so, RefusedFull what the spool had no room for.
	RefusedFlawed, RefusedFull int64
	// Sinks has each by its name.
	Sinks map[string]SinkStats
}

// SinkStats are what was done for one sink.
type SinkStats struct {
	// Written counts records, those that were written again after a crash each time, and Retries writes that failed.
	Written, Retries int64
	// LeftOut counts records that can never be there: see [Sorter]; nil for a sink that has no such.
	LeftOut map[string]int64
	// Failing is what the last write failed with; empty when it did not.
	Failing string
}

// Stats returns the counts of now.
func (b *Bridge) Stats() Stats {
	s := Stats{
		Spool: b.spool.Stats(), Taken: b.taken.Load(), Flawed: b.flawed.Load(),
		RefusedFlawed: b.refusedFlawed.Load(), RefusedFull: b.refusedFull.Load(), Sinks: map[string]SinkStats{},
	}
	for _, p := range b.pumps {
		sink := SinkStats{Written: p.written.Load(), Retries: p.retries.Load()}
		if sorter, ok := p.sink.(Sorter); ok {
			sink.LeftOut = sorter.LeftOut()
		}
		if failing := p.failing.Load(); failing != nil {
			sink.Failing = *failing
		}
		s.Sinks[p.sink.Name()] = sink
	}
	return s
}
