package link

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"muster/broker/client"
	"muster/topics"
)

const (
	// reportGap is the shortest time between two reports, for those that change quickly.
	reportGap = time.Second
	// factsTime is how long the facts of the machine may take before a report goes without them.
	factsTime = 5 * time.Second
	// lateTime is the longest wait after a new connection for a report that only its interval asks for: a fleet that
	// comes back at once is not to report at once.
	lateTime = 30 * time.Second
)

// A told is what the managers know: what was acknowledged, and what is on its way.
type told struct {
	report   topics.Report
	revision int64
	// due is when the next report is, whatever changes.
	due time.Time
	seq int64
	// sent is the last message that was not acknowledged, of the revision sentOf, made at sentAt; nil when all were.
	sent   *client.Message
	sentOf int64
	sentAt time.Time
	// late says that there was no connection when a report was due.
	late bool
}

// tellReports publishes a report at each change, and every interval. Only the newest is kept for when there is no
// connection.
func (l *Link) tellReports(ctx context.Context, c client.Client) {
	timer := time.NewTimer(0)
	timer.Stop()
	defer timer.Stop()
	var t told
	for {
		select {
		case <-l.reporting:
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		l.mu.Lock()
		report, revision := l.report, l.revision
		l.mu.Unlock()
		if revision == 0 {
			continue // the first report wakes this
		}
		if t.late && revision == t.revision {
			t.due = time.Now().Add(rand.N(min(lateTime, l.ReportInterval)))
		}
		t.late = false
		if revision == t.revision && time.Now().Before(t.due) {
			timer.Reset(time.Until(t.due))
			continue
		}
		err := l.publishReport(ctx, c, &t, report, revision)
		pause := reportGap
		switch {
		case err == nil:
			l.complain("report not published", "")
		case errors.Is(err, client.ErrNotConnected) || ctx.Err() != nil:
			t.late = true
			continue // the next connection wakes this
		case errors.Is(err, client.ErrRefused): // the same again is of no use, a change might be
			l.complain("report not published", err.Error())
			t.revision, t.due, t.sent = revision, l.nextReport(), nil
		default:
			l.complain("report not published", err.Error())
			pause = statusPause/2 + rand.N(statusPause)
			t.due = time.Time{}
			wake(l.reporting)
		}
		if !sleep(ctx, pause) {
			return
		}
		timer.Reset(time.Until(t.due))
	}
}

// nextReport is when the next report is due: about an interval from now, so that a fleet spreads over it.
func (l *Link) nextReport() time.Time {
	return time.Now().Add(l.ReportInterval*9/10 + rand.N(l.ReportInterval/5+1))
}

// publishReport publishes a report. One that is sent again because it was not acknowledged stays the same to the
// byte, so that those who got it twice can tell.
func (l *Link) publishReport(ctx context.Context, c client.Client, t *told, r topics.Report, revision int64) error {
	if t.sent == nil || t.sentOf != revision || time.Since(t.sentAt) > l.ReportInterval {
		r.Updated = updated(t.report, r)
		m, err := l.reportMessage(ctx, r, t.seq+1)
		if err != nil {
			return fmt.Errorf("%w: %w", client.ErrRefused, err)
		}
		t.seq++
		t.sent, t.sentOf, t.sentAt = &m, revision, time.Now()
	}
	ctx, cancel := context.WithTimeout(ctx, ackTime)
	defer cancel()
	if err := l.publish(ctx, c, *t.sent); err != nil {
		return err
	}
	t.report, t.revision, t.due, t.sent = r, revision, l.nextReport(), nil
	return nil
}

func (l *Link) reportMessage(ctx context.Context, r topics.Report, seq int64) (client.Message, error) {
	r.Device, r.DeviceGroup, r.Agent, r.At = l.Device, l.Group, l.Agent, time.Now()
	r.Boot, r.Seq, r.ReportID = l.boot, seq, l.boot+"-"+strconv.FormatInt(seq, 10)
	r.Machine = l.facts(ctx, r.Machine)
	payload, err := r.Encode()
	return client.Message{
		Topic: l.Root.Topic(topics.DeviceReport, l.Device), Payload: payload, QoS: 1, ContentType: "application/json",
	}, err
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
