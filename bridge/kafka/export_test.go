package kafka

// Buffered is how many messages the library holds.
func (s *Sink) Buffered() int64 { return s.client.BufferedProduceRecords() }

// Patience is how long the brokers may take for a batch.
const Patience = patience
