package worker

import (
	"context"
	"errors"
	"reflect"
	"time"

	"muster/topics"
)

// A pruning is what the loop knows of the removal of unneeded images.
type pruning struct {
	record pruneRecord
	// saved is the record as it is on the disk, and complained says that it was logged why it is an older one.
	saved      pruneRecord
	complained bool
	// cancel ends the removal that is going on; nil when none is.
	cancel  context.CancelFunc
	results chan pruneResult
	// failed spaces out the attempts at one that fails; nil when the last one went well.
	failed *retry
	// pressed spaces out the removals for want of room; nil while there is enough.
	pressed *retry
	// early is the config that could not be written to the disk, and for which images were removed.
	early topics.Version
}

// A pruneResult is what a removal did, and for which config.
type pruneResult struct {
	asked  topics.Config // zero when it was for want of room
	pruned topics.Pruned
	err    error
}

func newPruning(record pruneRecord) pruning {
	return pruning{record: record, saved: record, results: make(chan pruneResult, 1)} // nobody may wait for it any more
}

// prune has unneeded images removed when the config asks for it, once its containers run, so that the images of
// both versions are judged rightly; or when there is no room on the disk, where that is allowed.
func (l *loop) prune(ctx context.Context, now time.Time, s survey, settled bool) {
	p := &l.pruning
	ours := l.held.group == l.Group
	asked := ours && p.record.asks(l.held.config)
	if ours && !asked {
		p.record = p.record.followed(l.held.config)
	}
	l.keepRecord()
	pressed, early := l.pressed(s), l.asksEarly()
	if !pressed {
		p.pressed = nil
	}
	if !asked && !pressed && !early {
		p.failed = nil
	}
	switch {
	case p.cancel != nil || p.failed != nil && now.Before(p.failed.next):
	case asked && settled:
		l.startPrune(ctx, l.held.config)
	case early:
		l.startPrune(ctx, l.unsaved.state.config)
	case pressed && (p.pressed == nil || !now.Before(p.pressed.next)):
		if p.pressed == nil {
			p.pressed = newRetry(firstPressPause, longestPressPause)
		}
		p.pressed.postpone(now, "")
		l.startPrune(ctx, topics.Config{})
	}
}

// asksEarly reports whether a config that cannot be written to the disk asks for a removal of images, which may be
// what makes room for it on a disk that is full.
func (l *loop) asksEarly() bool {
	return l.unsaved != nil && l.pruning.record.asks(l.unsaved.state.config) && l.pruning.early != l.unsaved.state.config.Version
}

// pressed reports whether images are to be removed for want of room.
func (l *loop) pressed(s survey) bool {
	if !l.PruneOnDiskPressure || !s.freeKnown {
		return false
	}
	return s.free < l.DiskReserve || len(l.short()) > 0
}

// short are the troubles of those that have no room for their image.
func (l *loop) short() (apps []*trouble) {
	for t := range l.troubles() {
		if t.short != nil {
			apps = append(apps, t)
		}
	}
	return apps
}

// startPrune removes what no config that is in force, or about to be, no container and no way back needs.
func (l *loop) startPrune(ctx context.Context, asked topics.Config) {
	configs := []topics.Config{l.held.config}
	if l.unsaved != nil {
		configs = append(configs, l.unsaved.state.config)
	}
	keep := needed(l.versions.images(), configs...)
	ctx, l.pruning.cancel = context.WithCancel(ctx)
	results, engine, log := l.pruning.results, l.Engine, l.Log
	go func() {
		pruned, err := prune(ctx, engine, keep, log)
		results <- pruneResult{asked: asked, pruned: pruned, err: err}
	}()
}

// pruned takes in what a removal of images did.
func (l *loop) pruned(ctx context.Context, r pruneResult) {
	p, now := &l.pruning, time.Now()
	p.cancel()
	p.cancel = nil
	l.look(now) // those that wait for room may have it
	if ctx.Err() != nil || errors.Is(r.err, context.Canceled) {
		return
	}
	r.pruned.At, r.pruned.PruneID = now.UTC().Truncate(time.Millisecond), r.asked.PruneID
	if r.err == nil || r.pruned.Images > 0 {
		p.record.Last = &r.pruned
	}
	if l.unsaved != nil {
		l.unsaved.retry.next = now
	}
	if r.err != nil {
		if p.failed == nil {
			p.failed = newRetry(firstPrunePause, longestPrunePause)
		}
		p.failed.postpone(now, r.err.Error())
		l.look(p.failed.next)
		l.Log.Warn("unneeded images cannot be removed", "error", r.err, "images", r.pruned.Images, "next_try", p.failed.next.UTC())
		return
	}
	p.failed = nil
	p.early = r.asked.Version
	if p.record.asks(r.asked) && r.asked.Version == l.version() {
		p.record = p.record.followed(r.asked)
	}
	l.keepRecord()
	l.Log.Info("unneeded images removed", "images", r.pruned.Images, "bytes", r.pruned.Bytes, "prune_id", r.pruned.PruneID)
}

// keepRecord writes the record where it is news. A failure costs one removal more after a restart.
func (l *loop) keepRecord() {
	p := &l.pruning
	if reflect.DeepEqual(p.record, p.saved) || p.record.DeviceGroup == "" {
		return
	}
	if err := p.record.save(l.StateDir); err != nil {
		if !p.complained {
			l.Log.Warn("the record of the last prune_id cannot be written", "error", err)
		}
		p.complained = true
		return
	}
	p.saved, p.complained = p.record, false
}
