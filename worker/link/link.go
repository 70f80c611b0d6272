// Package link is the [worker.Link] over MQTT.
//
//	groups/{g}/config ──┐
//	                    ├→ check → newest of one → Configs
//	devices/{d}/reply ──┘
//	SetReport, Have, Progress → newest of one → status, reports, check-ins, progress
//
// Nothing in it waits for the worker, and the worker never waits for it: where one side is slower, the other's
// newest wins.
package link

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"muster/broker/client"
	"muster/broker/client/request"
	"muster/topics"
	"muster/worker"
	"muster/worker/outbox"
)

// Options say who the device is and how it reaches its managers.
type Options struct {
	// Root is the topic prefix; empty is [topics.DefaultRoot].
	Root topics.Root
	// Group is the device_group, Device the device's name; both valid for [topics.CheckName].
	Group, Device string
	// Agent names the worker and its version in the status, such as "muster-worker/0.1.0".
	Agent string
	// StateDir is the worker's, where the number of the last session and the outbox are kept.
	StateDir string
	// Interval is the time between check-ins; 0 is 30 s.
	Interval time.Duration
	// ReportInterval is the time between reports when nothing changes; 0 is [DefaultReportInterval].
	ReportInterval time.Duration
	// OutboxSize is how many bytes of the disk the reports take at most that wait to be acknowledged; 0 is
	// [outbox.DefaultSize].
	OutboxSize int64
	// UpdateOnly has the device report when something changes, and not every interval.
	UpdateOnly bool
	// FailHard ends Run with an error when a report cannot be made or kept on the disk, or when the broker refuses one for good.
	FailHard bool
	// Stats reads the engine's stats documents of the containers of apps and cron_jobs for a report, as far as it gets with an
	// error; nil is none.
	Stats func(ctx context.Context) (apps, cronJobs []json.RawMessage, err error)
	// Machine reads the facts of the device for a report; nil is none. It may take its time.
	Machine func(ctx context.Context) topics.Machine
	// TransientStatus has the status not kept by the broker, for brokers that keep little.
	TransientStatus bool
	// Dial makes the MQTT client, whose id is to be the device's name. will is to be called once for each
	// attempt to connect, one after the other. An error means that it can never work.
	Dial func(will func() *client.Message) (client.Client, error)
	// Log is where the link tells what it does; nil is nowhere.
	Log *slog.Logger
}

// DefaultReportInterval is how often a device reports when nothing changes.
const DefaultReportInterval = 5 * time.Minute

// outboxDir is the directory in the state directory in which reports wait to be acknowledged.
const outboxDir = "outbox"

// LoadOutbox counts the reports in a state directory that wait to be acknowledged, or were lost.
func LoadOutbox(dir string) outbox.Count { return outbox.Look(filepath.Join(dir, outboxDir)) }

// A Link is made by [New] and works while [Link.Run] does.
type Link struct {
	Options
	configs  chan worker.Offered
	requests *request.Requester
	// boot names this start, for the check-ins.
	boot string

	// changed, up, pulling, reporting and sending wake the goroutines of statuses, check-ins, progress and reports.
	changed, up, pulling, reporting, sending chan struct{}
	// heard says that a config came since the last attempt to connect.
	heard atomic.Bool
	// fresh says that there is a connection on which no report was sent yet.
	fresh atomic.Bool

	// sessions is for will alone.
	sessions *sessions
	outbox   *outbox.Outbox

	mu         sync.Mutex
	session    int64
	report     topics.Report
	revision   int64 // counts the values of report
	state      State
	stateSaved time.Time
	have       topics.Version
	progress   map[subject]topics.Progress
	complaints map[string]string
}

var _ worker.Link = (*Link)(nil)

// New checks the options.
func New(o Options) (*Link, error) {
	if o.Root == "" {
		o.Root = topics.DefaultRoot
	}
	if _, err := topics.ParseRoot(string(o.Root)); err != nil {
		return nil, err
	}
	if err := topics.CheckName(o.Group); err != nil {
		return nil, fmt.Errorf("device_group %q: %w", o.Group, err)
	}
	if err := topics.CheckName(o.Device); err != nil {
		return nil, fmt.Errorf("device %q: %w", o.Device, err)
	}
	if o.Dial == nil || o.StateDir == "" {
		return nil, errors.New("a state directory and a way to dial must be given")
	}
	if o.Interval <= 0 {
		o.Interval = 30 * time.Second
	}
	if o.ReportInterval <= 0 {
		o.ReportInterval = DefaultReportInterval
	}
	if o.OutboxSize <= 0 {
		o.OutboxSize = outbox.DefaultSize
	}
	if o.Machine == nil {
		o.Machine = func(context.Context) topics.Machine { return topics.Machine{} }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Link{
		Options:  o,
		configs:  make(chan worker.Offered, 1),
		requests: request.New(requestOf, request.Timeout),
		boot:     rand.Text()[:16],
		changed:  make(chan struct{}, 1), up: make(chan struct{}, 1), pulling: make(chan struct{}, 1),
		reporting: make(chan struct{}, 1), sending: make(chan struct{}, 1),
		progress:   map[subject]topics.Progress{},
		complaints: map[string]string{},
	}, nil
}

// Configs implements [worker.Link].
func (l *Link) Configs() <-chan worker.Offered { return l.configs }

// SetReport implements [worker.Link].
func (l *Link) SetReport(r topics.Report) {
	l.mu.Lock()
	defer l.mu.Unlock()
	news := r.Version != l.report.Version || r.Phase != l.report.Phase || !slices.Equal(r.Failing, l.report.Failing)
	l.report = r
	l.revision++
	wake(l.reporting)
	if news {
		wake(l.changed)
	}
}

// Have implements [worker.Link].
func (l *Link) Have(v topics.Version) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.have = v
}

// Progress implements [worker.Link].
func (l *Link) Progress(p topics.Progress) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.progress[subject{p.App, p.CronJob}] = p
	wake(l.pulling)
}

// Run implements [worker.Link].
func (l *Link) Run(ctx context.Context) error {
	l.sessions = loadSessions(l.StateDir, l.Log)
	l.outbox = outbox.Open(filepath.Join(l.StateDir, outboxDir), l.OutboxSize, l.Log)
	c, err := l.Dial(l.will)
	if err != nil {
		return err
	}
	err = errors.Join(
		c.Subscribe(client.Subscription{Filter: l.Root.Topic(topics.GroupConfig, l.Group), QoS: 1, Handler: l.onConfig}),
		c.Subscribe(client.Subscription{Filter: l.Root.Topic(topics.DeviceReply, l.Device), QoS: 1, Handler: l.onReply}),
	)
	if err != nil {
		return errors.Join(err, c.Close())
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var kept, sent error
	var wg sync.WaitGroup
	wg.Go(func() { l.tellStatus(ctx, c) })
	wg.Go(func() { l.checkIn(ctx, c) })
	wg.Go(func() { l.tellProgress(ctx, c) })
	wg.Go(func() {
		defer stop()
		kept = l.keepReports(ctx)
	})
	wg.Go(func() {
		defer stop()
		sent = l.sendReports(ctx, c)
	})
	c.OnUp(func() {
		l.connected(true)
		l.fresh.Store(true)
		wake(l.reporting)
		wake(l.sending)
		wake(l.changed)
		wake(l.up)
	})
	wg.Wait()
	l.sayGoodbye(c)
	l.connected(false)
	return errors.Join(kept, sent, c.Close())
}

func wake(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// complain logs a complaint about something, unless it is the same as the last one about that. An empty
// one says that all is well again.
func (l *Link) complain(about, complaint string, args ...any) {
	l.mu.Lock()
	same := l.complaints[about] == complaint
	l.complaints[about] = complaint
	l.mu.Unlock()
	if !same && complaint != "" {
		l.Log.Warn("trouble with the managers", append([]any{"about", about, "why", complaint}, args...)...)
	}
}

// sleep waits, or reports false when ctx ends.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
