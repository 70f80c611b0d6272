package spool

// HoldWriter has the spool's writer wait, as it does for a disk that hangs, until the function returned is called.
func (s *Spool) HoldWriter() (release func() error, err error) {
	tx, err := s.db.Begin(true)
	if err != nil {
		return nil, err
	}
	return tx.Rollback, nil
}

// Waiting is how many calls of Append the writer has not begun with.
func (s *Spool) Waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.waiting)
}
