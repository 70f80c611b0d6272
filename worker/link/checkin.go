package link

import (
	"context"
	"errors"
	"hash/fnv"
	"math/rand/v2"
	"strconv"
	"time"

	"muster/broker/client"
	"muster/broker/client/request"
	"muster/topics"
)

const (
	// soonTime is the longest wait for the retained config of a new connection before asking for it.
	soonTime = 5 * time.Second
	// longestNextIn limits how long a manager can silence a device.
	longestNextIn = 24 * time.Hour
)

// checkIn asks the managers for the config, interval for interval. The first time is at a time of the
// interval that is the device's own, and after a new connection at a random one, because many devices may have
// got theirs at the same moment; but soon, when the connection brought no config.
func (l *Link) checkIn(ctx context.Context, c client.Client) {
	turn := time.Now().Add(l.ownTime())
	timer := time.NewTimer(0)
	timer.Stop()
	defer timer.Stop()
	connections, seq := 0, int64(0)
	fresh := false // the connection is new: its retained config may be about to come
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.up:
			if connections++; connections > 1 {
				turn = time.Now().Add(rand.N(l.Interval))
			}
			fresh = true
			timer.Reset(l.soon())
			continue
		case <-timer.C:
		}
		if fresh && l.heard.Load() {
			fresh = false
			timer.Reset(time.Until(turn))
			continue
		}
		fresh = false
		seq++
		if next, ok := l.ask(ctx, c, seq); ok {
			timer.Reset(next)
		}
	}
}

// ownTime is the device's place in the interval.
func (l *Link) ownTime() time.Duration {
	h := fnv.New64a()
	_, _ = h.Write([]byte(l.Device)) // never fails
	return time.Duration(h.Sum64() % uint64(l.Interval))
}

// soon is a time after which the retained config is not waited for any more.
func (l *Link) soon() time.Duration {
	longest := min(l.Interval, soonTime)
	return longest/5 + rand.N(longest*4/5+1)
}

// ask checks in until there is a reply, and says when to do it again; ok is false when that is to be decided
// by the next connection.
func (l *Link) ask(ctx context.Context, c client.Client, seq int64) (next time.Duration, ok bool) {
	id := l.boot + "-" + strconv.FormatInt(seq, 10)
	var sent time.Time
	var pause time.Duration
	var failed error
	payload, err := l.requests.Do(ctx, id, func(ctx context.Context) error {
		now := time.Now()
		if now.Before(sent.Add(pause)) {
			return nil
		}
		if !sent.IsZero() {
			l.complain("check-in unanswered", "no manager answers; it is asked again", "request_id", id)
		}
		// Managers that cannot keep up are not helped by everybody asking more often than usual.
		sent, pause = now, min(max(2*pause, request.Timeout), l.Interval)
		failed = l.publishRequest(ctx, c, id, seq)
		return failed
	})
	switch {
	case err == nil:
		l.complain("check-in unanswered", "")
		l.complain("check-in not published", "")
		l.answered()
		r, _ := topics.ParseCheckinReply(payload) // requestOf has read it before
		return l.after(r.NextIn), true
	case errors.Is(err, client.ErrNotConnected) || ctx.Err() != nil:
		return 0, false
	default:
		if failed != nil {
			err = failed // without the id, so that the same complaint is the same
		}
		l.complain("check-in not published", err.Error())
		return l.Interval, true
	}
}

func (l *Link) publishRequest(ctx context.Context, c client.Client, id string, seq int64) error {
	l.mu.Lock()
	question := topics.CheckinRequest{RequestID: id, DeviceGroup: l.Group, Have: l.have, Boot: l.boot, Seq: seq}
	l.mu.Unlock()
	payload, err := question.Encode()
	if err != nil {
		return err
	}
	return l.publish(ctx, c, client.Message{
		Topic: l.Root.Topic(topics.DeviceCheckin, l.Device), Payload: payload, QoS: 1, Expiry: l.Interval,
		ContentType: "application/json", ResponseTopic: l.Root.Topic(topics.DeviceReply, l.Device), CorrelationData: []byte(id),
	})
}

// requestOf is the request that a reply answers.
func requestOf(payload []byte) string {
	r, err := topics.ParseCheckinReply(payload)
	if err != nil {
		return ""
	}
	return r.RequestID
}

// after is the time to the next check-in: the interval, or what a busy manager asks for, in seconds, where that is
// longer; and then later by a little, lest all come at that moment.
func (l *Link) after(nextIn int64) time.Duration {
	next := time.Duration(min(nextIn, int64(longestNextIn/time.Second))) * time.Second
	if next <= l.Interval {
		return l.Interval
	}
	return next + rand.N(next/10+1)
}
