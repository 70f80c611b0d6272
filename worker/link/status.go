package link

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"muster/broker/client"
	"muster/topics"
)

// Times of statuses and progress.
const (
	// statusGap is the shortest time between two statuses, for those that change quickly.
	statusGap = 200 * time.Millisecond
	// statusPause is about how long to wait after a status that could not be published, though connected.
	statusPause = 5 * time.Second
	// progressGap is the shortest time between two messages about the progress of an app.
	progressGap = time.Second
	// ackTime is how long the broker may take to acknowledge.
	ackTime = 10 * time.Second
	// goodbyeTime is how long the last status may take: a worker that stops must not hang.
	goodbyeTime = 2 * time.Second
)

// will begins a session, and is what the broker says when that ends without a goodbye.
func (l *Link) will() *client.Message {
	l.heard.Store(false)
	session := l.sessions.next(time.Now())
	l.mu.Lock()
	l.session = session
	l.mu.Unlock()
	m, err := l.status(topics.Offline)
	if err != nil {
		l.Log.Error("no will: the status cannot be encoded", "error", err)
		return nil
	}
	return &m
}

// status is the message about the current session.
func (l *Link) status(state string) (client.Message, error) {
	l.mu.Lock()
	s := topics.Status{
		State: state, Session: l.session, DeviceGroup: l.Group, Version: l.report.Version, Agent: l.Agent, At: time.Now(),
	}
	if state == topics.Online {
		s.Failing, s.Phase = l.report.Failing, l.report.Phase
	}
	l.mu.Unlock()
	payload, err := s.Encode()
	return client.Message{
		Topic: l.Root.Topic(topics.DeviceStatus, l.Device), Payload: payload, QoS: 1,
		Retain: !l.TransientStatus, ContentType: "application/json",
	}, err
}

// tellStatus publishes the status on each connection and whenever it changes.
func (l *Link) tellStatus(ctx context.Context, c client.Client) {
	for {
		select {
		case <-l.changed:
		case <-ctx.Done():
			return
		}
		l.mu.Lock()
		known := l.revision > 0 && l.session > 0
		l.mu.Unlock()
		if !known {
			continue // the first report wakes this, and the first connection
		}
		err := l.publishStatus(ctx, c, topics.Online)
		pause := statusGap
		switch {
		case err == nil:
			l.complain("status not published", "")
		case errors.Is(err, client.ErrNotConnected) || ctx.Err() != nil:
			continue // the next connection wakes this
		case errors.Is(err, client.ErrRefused): // the same again is of no use, a change might be
			l.complain("status not published", err.Error())
		default:
			l.complain("status not published", err.Error())
			pause = statusPause/2 + rand.N(statusPause)
			wake(l.changed)
		}
		if !sleep(ctx, pause) {
			return
		}
	}
}

func (l *Link) publishStatus(ctx context.Context, c client.Client, state string) error {
	m, err := l.status(state)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, ackTime)
	defer cancel()
	return l.publish(ctx, c, m)
}

// sayGoodbye tells that the session ends, as the will would.
func (l *Link) sayGoodbye(c client.Client) {
	ctx, cancel := context.WithTimeout(context.Background(), goodbyeTime)
	defer cancel()
	if err := l.publishStatus(ctx, c, topics.Offline); err != nil && !errors.Is(err, client.ErrNotConnected) {
		l.Log.Warn("goodbye not published", "error", err)
	}
}

// A subject is what a progress is about: an app, or a cron_job that may have the same name.
type subject struct{ app, cronJob string }

// tellProgress publishes the newest progress of each app and cron_job. What cannot be sent is dropped.
func (l *Link) tellProgress(ctx context.Context, c client.Client) {
	for {
		select {
		case <-l.pulling:
		case <-ctx.Done():
			return
		}
		l.mu.Lock()
		news := l.progress
		l.progress = map[subject]topics.Progress{}
		l.mu.Unlock()
		for _, p := range news {
			payload, err := p.Encode()
			if err == nil {
				err = l.publish(ctx, c, client.Message{
					Topic: l.Root.Topic(topics.DeviceProgress, l.Device), Payload: payload, ContentType: "application/json",
				})
			}
			if err != nil && !errors.Is(err, client.ErrNotConnected) && ctx.Err() == nil {
				l.complain("progress not published", err.Error())
			}
		}
		if !sleep(ctx, progressGap) {
			return
		}
	}
}
