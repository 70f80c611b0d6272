package link_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"muster/broker/client"
	"muster/topics"
)

func TestChecksInEveryInterval(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.link.Have(version(3))
		b.client.connect(config(t, "g", 3))
		b.pass(10*time.Minute + time.Second)
		requests, at := b.checkins()
		if len(requests) != 10 {
			t.Fatalf("%d check-ins in ten minutes, want 10", len(requests))
		}
		if first := at[0].Sub(b.began); first >= time.Minute {
			t.Errorf("the first check-in was after %v, want it within the first interval", first)
		}
		ids := map[string]bool{}
		for i, r := range requests {
			if i > 0 && at[i].Sub(at[i-1]) != time.Minute {
				t.Errorf("check-in %d came %v after the one before, want a minute", i+1, at[i].Sub(at[i-1]))
			}
			if r.DeviceGroup != "g" || r.Have != version(3) || r.Seq != int64(i+1) || r.Boot == "" || r.Boot != requests[0].Boot {
				t.Errorf("check-in %d is %+v", i+1, r)
			}
			ids[r.RequestID] = true
		}
		if len(ids) != 10 {
			t.Errorf("10 check-ins have %d different request_ids", len(ids))
		}
		m := b.client.sent(topicOf(topics.DeviceCheckin, "d"))[0].Message
		if m.QoS != 1 || m.Retain || m.Expiry != time.Minute || m.ResponseTopic != topicOf(topics.DeviceReply, "d") ||
			string(m.CorrelationData) != requests[0].RequestID {
			t.Errorf("the message of a check-in is %+v", m)
		}
	})
}

func TestFirstCheckinHasItsOwnTimeOfTheInterval(t *testing.T) {
	var firsts []time.Duration
	for range 2 {
		inBubble(t, func(t *testing.T, b *bench) {
			b.client.connect(config(t, "g", 1))
			b.pass(time.Minute + time.Second)
			_, at := b.checkins()
			firsts = append(firsts, at[0].Sub(b.began))
		})
	}
	if firsts[0] != firsts[1] {
		t.Errorf("a device checked in first after %v and, started again, after %v", firsts[0], firsts[1])
	}
}

func TestChecksInSoonWithoutARetainedConfig(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.pass(time.Hour) // not connected
		b.client.connect()
		b.pass(5 * time.Second)
		if requests, _ := b.checkins(); len(requests) != 1 || !requests[0].Have.IsZero() {
			t.Errorf("check-ins within five seconds: %+v, want one that has nothing", requests)
		}
	})
}

func TestReconnectSpreadsTheCheckins(t *testing.T) {
	var seconds [4]int
	for range 60 {
		inBubble(t, func(t *testing.T, b *bench) {
			b.client.connect(config(t, "g", 1))
			b.pass(10 * time.Minute)
			b.client.disconnect()
			b.pass(10 * time.Minute)
			b.client.connect(config(t, "g", 1))
			before, _ := b.checkins()
			began := time.Now()
			b.pass(time.Minute + 5*time.Second)
			requests, at := b.checkins()
			if len(requests) == len(before) {
				t.Fatal("no check-in within an interval after a new connection")
			}
			seconds[min(at[len(before)].Sub(began)/(15*time.Second), 3)]++
		})
	}
	for i, n := range seconds {
		// 15 would be usual, 3 or fewer happens once in ten thousand times per quarter.
		if n < 3 {
			t.Errorf("%d of 60 check-ins after a new connection are in quarter %d of the interval: %v", n, i+1, seconds)
		}
	}
}

func TestUnansweredCheckinIsRepeated(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		silent := func(topics.CheckinRequest) []byte { return nil }
		b.client.set(func() { b.client.answer = silent })
		b.client.connect()
		b.pass(4 * time.Minute)
		requests, at := b.checkins()
		if len(requests) < 5 || len(requests) > 7 {
			t.Fatalf("%d requests in four minutes of silence, want about 6", len(requests))
		}
		for i, r := range requests {
			if r.RequestID != requests[0].RequestID || r.Seq != 1 {
				t.Errorf("request %d is %+v, want the first one again", i+1, r)
			}
		}
		if gap := at[1].Sub(at[0]); gap < 10*time.Second || gap > 12500*time.Millisecond {
			t.Errorf("the first repetition came after %v, want 10 s and up to a quarter", gap)
		}
		if gap := at[len(at)-1].Sub(at[len(at)-2]); gap < time.Minute || gap > 72500*time.Millisecond {
			t.Errorf("the last repetition came after %v, want an interval and up to one more timeout", gap)
		}
		if n := b.logged("check-in unanswered"); n != 1 {
			t.Errorf("the silence is logged %d times, want once", n)
		}
		b.client.set(func() { b.client.answer = func(r topics.CheckinRequest) []byte { return unchanged(t, r, 0) } })
		b.pass(3 * time.Minute)
		requests, _ = b.checkins()
		if last := requests[len(requests)-1]; last.Seq < 2 || last.RequestID == requests[0].RequestID {
			t.Errorf("after an answer the check-in is %+v, want a new one", last)
		}
	})
}

func TestReplyToAnotherRequestIsNoAnswer(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.client.set(func() {
			b.client.answer = func(r topics.CheckinRequest) []byte {
				r.RequestID = "another"
				return unchanged(t, r, 0)
			}
		})
		b.client.connect()
		b.pass(30 * time.Second)
		requests, _ := b.checkins()
		if len(requests) < 2 || requests[1].RequestID != requests[0].RequestID {
			t.Errorf("check-ins are %+v, want the first one repeated", requests)
		}
	})
}

func TestManagerSlowsTheDeviceDown(t *testing.T) {
	for _, test := range []struct {
		nextIn    int64
		low, high time.Duration
	}{
		{5, time.Minute, time.Minute}, // never earlier than the device's own interval
		{600, 10 * time.Minute, 11 * time.Minute},
		{1 << 60, 24 * time.Hour, 27 * time.Hour},
	} {
		inBubble(t, func(t *testing.T, b *bench) {
			b.client.set(func() {
				b.client.answer = func(r topics.CheckinRequest) []byte { return unchanged(t, r, test.nextIn) }
			})
			b.client.connect()
			b.pass(28 * time.Hour)
			_, at := b.checkins()
			if gap := at[1].Sub(at[0]); gap < test.low || gap > test.high {
				t.Errorf("with next_in %d the next check-in came after %v, want %v to %v", test.nextIn, gap, test.low, test.high)
			}
		})
	}
}

func TestConfigInAReplyIsOffered(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		payload := config(t, "g", 5)
		b.client.set(func() {
			b.client.answer = func(r topics.CheckinRequest) []byte {
				return encode(t, topics.CheckinReply{RequestID: r.RequestID, Version: version(5), Config: payload})
			}
		})
		b.client.connect()
		b.pass(5 * time.Second)
		if o := b.offered(); string(o.Payload) != string(payload) || o.From != "check-in" || o.Config.Version != version(5) {
			t.Errorf("offered is %+v, want config 5 from a check-in", o)
		}
	})
}

func TestTroubleInRepliesIsLoggedOncePerChange(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		reply := func(r topics.CheckinReply) {
			b.client.set(func() {
				b.client.answer = func(request topics.CheckinRequest) []byte {
					r.RequestID = request.RequestID
					return encode(t, r)
				}
			})
			b.pass(5 * time.Minute)
		}
		b.client.connect()
		behind := topics.CheckinReply{Version: version(1), Unchanged: true, StoreBehind: true}
		fine := topics.CheckinReply{Version: version(1), Unchanged: true}
		refusal := topics.CheckinReply{Error: "no such device_group"}
		for _, r := range []topics.CheckinReply{behind, fine, behind, refusal, {Error: "another"}} {
			reply(r)
		}
		for words, want := range map[string]int{"store behind": 2, "check-in refused": 2, "no such device_group": 1} {
			if n := b.logged(words); n != want {
				t.Errorf("%q is logged %d times, want %d", words, n, want)
			}
		}
		b.client.deliver(topicOf(topics.DeviceReply, "d"), []byte("{"))
		b.client.deliver(topicOf(topics.DeviceReply, "d"), []byte("{"))
		if n := b.logged("check-in reply ignored"); n != 1 {
			t.Errorf("a reply that is no JSON is logged %d times, want once", n)
		}
		if o := b.offered(); o.From != "" {
			t.Errorf("offered is %+v, want nothing", o)
		}
	})
}

func TestCheckinThatTheBrokerRefuses(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.client.set(func() { b.client.fail[topicOf(topics.DeviceCheckin, "d")] = client.ErrRefused })
		b.client.connect()
		b.pass(10 * time.Minute)
		if requests, _ := b.checkins(); len(requests) < 9 || len(requests) > 11 {
			t.Errorf("%d requests in ten minutes, want one per interval", len(requests))
		}
		if n := b.logged("check-in not published"); n != 1 {
			t.Errorf("the refusal is logged %d times, want once", n)
		}
	})
}

func TestCheckinWithoutAnAcknowledgementIsRepeated(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.client.set(func() { b.client.fail[topicOf(topics.DeviceCheckin, "d")] = context.DeadlineExceeded })
		b.client.connect()
		b.pass(30 * time.Second)
		requests, _ := b.checkins()
		if len(requests) < 2 || requests[1].RequestID != requests[0].RequestID {
			t.Errorf("check-ins are %+v, want the first one repeated", requests)
		}
	})
}

func TestCheckinDuringAnOutageWaitsForTheConnection(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.client.connect(config(t, "g", 1))
		b.pass(5 * time.Minute)
		b.client.disconnect()
		b.pass(time.Hour)
		before, _ := b.checkins()
		b.client.connect()
		b.pass(5 * time.Second)
		if after, _ := b.checkins(); len(after) != len(before)+1 {
			t.Errorf("%d check-ins soon after the outage, want 1", len(after)-len(before))
		}
		if n := b.logged("not published"); n != 0 {
			t.Errorf("an outage, which the client logs, is logged %d times here", n)
		}
	})
}

func TestRunFailsWhereDialDoes(t *testing.T) {
	l := newLink(t, func(will func() *client.Message) (client.Client, error) { return nil, errors.New("no such URL scheme") })
	if err := l.Run(t.Context()); err == nil || err.Error() != "no such URL scheme" {
		t.Errorf("Run: %v, want the error of Dial", err)
	}
}
