package storage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	"muster/bridge"
	"muster/manager/store"
)

var _ bridge.Sorter = (*Sink)(nil)

// A Store is what the sink writes to.
type Store interface {
	Reports() store.Reports
	Devices() store.Devices
}

// Options say where a sink writes to. Store and Spool are required.
type Options struct {
	Store Store
	// Spool names where the records come from: another name for each spool, or partition, and always the same for one. It
	// goes into the ids of the reports.
	Spool string
	// Log is where it is noted that something is left out; by default nowhere.
	Log *slog.Logger
}

// A Sink writes records to a store.
type Sink struct {
	store           Store
	spool           string
	log             *slog.Logger
	flawed, refused atomic.Int64
}

// New makes a sink.
func New(o Options) *Sink {
	s := &Sink{store: o.Store, spool: o.Spool, log: o.Log}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	return s
}

// Name is "store".
func (s *Sink) Name() string { return "store" }

// LeftOut implements [bridge.Sorter]: "flawed" records are no reports, and "refused" ones are reports that the store does not
// take, whatever is tried. Those that are written again count each time.
func (s *Sink) LeftOut() map[string]int64 {
	return map[string]int64{"flawed": s.flawed.Load(), "refused": s.refused.Load()}
}

// Write adds the reports, and then shows the devices. What is there already is left as it is, so it does not matter how often it is
// called with the same records.
func (s *Sink) Write(ctx context.Context, batch []bridge.Record) error {
	reports := make([]store.Report, 0, len(batch))
	sightings := make([]store.Sighting, 0, len(batch))
	said := make(readings, len(batch))
	for _, r := range batch {
		if r.Flaw != "" {
			s.flawed.Add(1)
			s.log.Debug("no report, and left out of the store", "device", r.Device, "flaw", r.Flaw)
			continue
		}
		id := ID(s.spool, r)
		reports = append(reports, store.Report{ID: id, Doc: r.Payload})
		said[id] = read(r.Payload)
		sightings = append(sightings, sighting(id, r, said[id]))
	}
	if len(reports) == 0 {
		return nil
	}
	err := s.store.Reports().Add(ctx, reports)
	if refused, ok := errors.AsType[*store.RefusedError](err); ok {
		s.refused.Add(int64(len(refused.Reports)))
		s.log.Error("the store does not take reports, which are left out", "reports", len(refused.Reports), "error", err)
	} else if err != nil {
		return fmt.Errorf("store reports: %w", err)
	}
	if err := s.store.Devices().Observe(ctx, sightings, said.events); err != nil {
		return fmt.Errorf("store devices: %w", err)
	}
	return nil
}
