package spool

import (
	"fmt"

	"github.com/shirou/gopsutil/v4/disk"
	bolt "go.etcd.io/bbolt"

	"muster/bridge"
)

// maxReserve is what the spool leaves of its disk at most, in bytes. Without it the spool of a sink that cannot write because the
// disk is full would take whatever room is made.
const maxReserve = 64 << 20

// room is how many bytes may be appended, and the error for more.
func (s *Spool) room() (int64, error) {
	s.mu.Lock()
	room, unused := s.size-s.used, s.unused
	s.mu.Unlock()
	full := fmt.Errorf("%w: it may take %d bytes", bridge.ErrFull, s.size)
	on, err := disk.Usage(s.db.Path())
	if err != nil {
		return room, full // writing finds out
	}
	reserve := min(maxReserve, on.Total/20)
	free := unused + int64(on.Free) - int64(reserve) //nolint:gosec // no disk is that large
	if free < room {
		return free, fmt.Errorf("%w: of its disk %d bytes are free, and %d are left to others", bridge.ErrFull, on.Free, reserve)
	}
	return room, full
}

// measure is how much of the file is used, and how much of it is not.
func (s *Spool) measure() (used, unused int64) {
	_ = s.db.View(func(tx *bolt.Tx) error {
		used = tx.Size()
		return nil
	})
	pages := s.db.Stats()
	unused = int64(pages.FreePageN+pages.PendingPageN) * int64(s.db.Info().PageSize)
	return used - unused, unused
}
