package link

import (
	"context"
	"errors"
	"hash/fnv"
	"math/rand/v2"
	"strconv"
	"time"

	"muster/broker/client"
	"muster/topics"
)

const (
	// replyTime is how long to wait for a reply before the request is sent again. It doubles, up to
	// the interval, for as long as no reply comes: managers that cannot keep up are not helped by more requests.
	replyTime = 10 * time.Second
	// soonTime is the longest wait for the retained config of a new connection before asking for it.
	soonTime = 5 * time.Second
	// longestNextIn limits how long a manager can silence a device.
	longestNextIn = 24 * time.Hour
)

// A reply is what the loop of check-ins needs to know of a [topics.CheckinReply].
type reply struct {
	id     string
	nextIn int64
}

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
	longest := max(l.Interval, replyTime)
	for wait := replyTime; ; wait = min(2*wait, longest) {
		err := l.publishRequest(ctx, c, id, seq)
		switch {
		case err == nil:
			l.complain("check-in not published", "")
		case errors.Is(err, client.ErrNotConnected) || ctx.Err() != nil:
			return 0, false
		case errors.Is(err, client.ErrRefused):
			l.complain("check-in not published", err.Error())
			return l.Interval, true
		default: // the broker may have it all the same
			l.complain("check-in not published", err.Error())
		}
		r, answered := l.await(ctx, id, wait+rand.N(wait/10))
		if answered {
			l.complain("check-in unanswered", "")
			return l.after(r), true
		}
		if ctx.Err() != nil {
			return 0, false
		}
		l.complain("check-in unanswered", "no manager answers; it is asked again", "request_id", id)
	}
}

func (l *Link) publishRequest(ctx context.Context, c client.Client, id string, seq int64) error {
	l.mu.Lock()
	request := topics.CheckinRequest{RequestID: id, DeviceGroup: l.Group, Have: l.have, Boot: l.boot, Seq: seq}
	l.mu.Unlock()
	payload, err := request.Encode()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, ackTime)
	defer cancel()
	return c.Publish(ctx, client.Message{
		Topic: l.Root.Topic(topics.DeviceCheckin, l.Device), Payload: payload, QoS: 1, Expiry: l.Interval,
		ContentType: "application/json", ResponseTopic: l.Root.Topic(topics.DeviceReply, l.Device), CorrelationData: []byte(id),
	})
}

// await waits for the reply to the request of that id.
func (l *Link) await(ctx context.Context, id string, wait time.Duration) (r reply, answered bool) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		select {
		case r := <-l.replies:
			if r.id == id {
				return r, true
			}
		case <-timer.C:
			return reply{}, false
		case <-ctx.Done():
			return reply{}, false
		}
	}
}

// after is the time to the next check-in: not earlier than a busy manager asks for, and later by a little, lest
// all come at that moment.
func (l *Link) after(r reply) time.Duration {
	if r.nextIn == 0 {
		return l.Interval
	}
	next := min(time.Duration(min(r.nextIn, int64(longestNextIn/time.Second)))*time.Second, longestNextIn)
	return next + rand.N(next/10+1)
}
