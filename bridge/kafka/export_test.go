package kafka

// Buffered is how many messages the library holds.
func (s *Sink) Buffered() int64 { return s.client.BufferedProduceRecords() }
