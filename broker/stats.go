package broker

// Connections is how many network clients are connected, which means that their CONNECT was accepted.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.owners)
}

// Stats are counts since the start, except where they say otherwise.
type Stats struct {
	// Connections is how many network clients are connected now.
	Connections int
	// Retained is how many topics have a retained message now.
	Retained int
	// Refused counts CONNECTs that were not accepted.
	Refused int64
	// Dropped counts messages not sent to network clients because they did not read fast enough.
	Dropped int64
	// DroppedInProcess counts messages not handed to clients in the process because their handlers were stuck.
	DroppedInProcess int64
	// Panics counts connections that ended because a packet made mochi panic.
	Panics int64
}

// Stats returns the counts of now.
func (s *Server) Stats() Stats {
	return Stats{
		Connections: s.Connections(), Retained: s.retained.len(),
		Refused: s.refused.Load(), Dropped: s.dropped.Load(),
		DroppedInProcess: s.droppedInProcess.Load(), Panics: s.panics.Load(),
	}
}
