package spool

import (
	"context"
	"fmt"
	"time"

	"muster/bridge"
)

// maxWaiting is about how many bytes of records wait for the writer: a disk that hangs is not to fill the memory.
const maxWaiting = 64 << 20

// An appending is one call of Append.
type appending struct {
	values [][]byte
	bytes  int64
	done   chan error
}

// Append implements [bridge.Spool].
func (s *Spool) Append(ctx context.Context, records ...bridge.Record) error {
	a := &appending{done: make(chan error, 1)}
	for _, r := range records {
		value := encode(r)
		a.values = append(a.values, value)
		a.bytes += int64(len(value))
	}
	s.mu.Lock()
	if err := s.refusal(); err != nil {
		s.mu.Unlock()
		return err
	}
	s.waiting = append(s.waiting, a)
	s.waitingBytes += a.bytes
	s.mu.Unlock()
	s.poke()
	select {
	case err := <-a.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// refusal says why nothing can be appended at all, with mu held.
func (s *Spool) refusal() error {
	switch {
	case s.err != nil:
		return s.err
	case s.closing:
		return ErrClosed
	case time.Now().Before(s.fullUntil):
		return s.full
	case s.waitingBytes >= maxWaiting:
		return fmt.Errorf("%w: the disk does not keep up", bridge.ErrFull)
	}
	return nil
}
