package link

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"muster/topics"
)

const (
	// reportGap is the shortest time between two reports, for those that change quickly. With each report that waits it grows,
	// up to slowGap: a device without a connection is not to fill its disk.
	reportGap = time.Second
	slowGap   = time.Minute
	// factsTime is how long the facts of the machine may take before a report goes without them, and statsTime how long
	// the stats of all containers may.
	factsTime = 5 * time.Second
	statsTime = 20 * time.Second
	// lateTime is the longest wait after a new connection for reports that nothing is in a hurry for: a fleet that comes back at
	// once is not to report at once.
	lateTime = 30 * time.Second
	// saveTime is how often the disk is tried again that did not take a report.
	saveTime = time.Minute
	// forever is the wait for what wakes the making of reports.
	forever = 24 * time.Hour
)

// A made is what was reported last.
type made struct {
	report   topics.Report
	revision int64
	seq      int64
	// free is when the next report may be made, and due when it is, whatever changes.
	free, due time.Time
	// late says that reports waited, or that there was no connection, when one was due.
	late bool
}

// keepReports puts a report into the outbox at each change, and every interval.
func (l *Link) keepReports(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var m made
	for {
		select {
		case <-l.reporting:
		case <-timer.C:
		case <-ctx.Done():
			return nil
		}
		if err := l.outbox.Save(); err == nil {
			l.complain("report not on the disk", "")
		}
		wait := l.reportWait(&m)
		if wait <= 0 {
			if err := l.keepReport(ctx, &m); err != nil {
				return err
			}
			wait = l.reportWait(&m)
		}
		if l.outbox.Unsaved() {
			wait = min(wait, saveTime)
		}
		timer.Reset(wait)
	}
}

// reportWait is how long to wait before the next report is made.
func (l *Link) reportWait(m *made) time.Duration {
	l.mu.Lock()
	revision, connected := l.revision, l.state.Connected
	l.mu.Unlock()
	now := time.Now()
	switch {
	case revision != m.revision:
		return m.free.Sub(now)
	case revision == 0 || l.UpdateOnly:
		return forever
	case now.Before(m.due):
	case !connected || l.outbox.Len() > 0:
		m.late = true // it says nothing that those do not say which wait
		return forever
	case m.late:
		m.late = false
		m.due = now.Add(rand.N(min(lateTime, l.ReportInterval)))
	}
	return m.due.Sub(now)
}

// keepReport makes a report and puts it into the outbox.
func (l *Link) keepReport(ctx context.Context, m *made) error {
	l.mu.Lock()
	r, revision := l.report, l.revision
	l.mu.Unlock()
	payload, err := l.encodeReport(ctx, r, m)
	m.report, m.revision = r, revision
	// A fleet spreads over the interval.
	m.due = time.Now().Add(l.ReportInterval*9/10 + rand.N(l.ReportInterval/5+1))
	if err != nil {
		l.complain("report not made", err.Error())
		err = fmt.Errorf("a report cannot be made: %w", err)
	} else {
		l.complain("report not made", "")
		m.seq++
		if err = l.outbox.Add(payload); err != nil {
			l.complain("report not on the disk", err.Error())
		}
		wake(l.sending)
	}
	m.free = time.Now().Add(min(reportGap*time.Duration(max(1, l.outbox.Len())), slowGap))
	if err != nil && l.FailHard {
		return err
	}
	return nil
}

// encodeReport adds what only the link knows.
func (l *Link) encodeReport(ctx context.Context, r topics.Report, m *made) ([]byte, error) {
	seq := m.seq + 1
	r.Device, r.DeviceGroup, r.Agent, r.At = l.Device, l.Group, l.Agent, time.Now()
	r.Boot, r.Seq, r.ReportID = l.boot, seq, l.boot+"-"+strconv.FormatInt(seq, 10)
	r.Updated = updated(m.report, r)
	r.Dropped = l.outbox.Dropped()
	r.Machine = l.facts(ctx, r.Machine)
	r.AppsContainers, r.CronJobsContainers = l.stats(ctx)
	return r.Encode()
}

// facts are those of the machine, with what the engine said of it.
func (l *Link) facts(ctx context.Context, engine topics.Machine) topics.Machine {
	ctx, cancel := context.WithTimeout(ctx, factsTime)
	defer cancel()
	m := l.Machine(ctx)
	m.OS, m.Kernel, m.Architecture, m.Engine = engine.OS, engine.Kernel, engine.Architecture, engine.Engine
	if engine.Hostname != "" {
		m.Hostname = engine.Hostname
	}
	return m
}

// stats are the engine's documents, if they are wanted.
func (l *Link) stats(ctx context.Context) (apps, cronJobs []json.RawMessage) {
	if l.Stats == nil {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, statsTime)
	defer cancel()
	apps, cronJobs, err := l.Stats(ctx)
	if err != nil && ctx.Err() != context.Canceled {
		l.complain("stats of containers", err.Error())
	} else {
		l.complain("stats of containers", "")
	}
	return apps, cronJobs
}

// updated reports whether the device changed something between two reports: what it follows, or a container.
func updated(before, after topics.Report) bool {
	if before.Phase == "" {
		return false // nothing is known of before
	}
	return before.Version != after.Version || !slices.Equal(containers(before), containers(after))
}

func containers(r topics.Report) (ids []string) {
	for _, a := range r.Apps {
		for _, c := range a.Containers {
			ids = append(ids, c.ID)
		}
	}
	return ids
}
