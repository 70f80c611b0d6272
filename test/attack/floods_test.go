package attack

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"muster/topics"
)

// A flood attacks until ctx ends. Each attacker is one of several that do so at the same time.
type flood struct {
	name      string
	attackers int
	attack    func(ctx context.Context, a *attempt) (done int)
}

// every does something that often, or as often as it can when the pace is 0, and counts.
func every(ctx context.Context, pace time.Duration, do func()) (done int) {
	ticker := time.NewTicker(max(pace, time.Microsecond))
	defer ticker.Stop()
	for ctx.Err() == nil {
		do()
		done++
		if pace > 0 {
			select {
			case <-ctx.Done():
			case <-ticker.C:
			}
		}
	}
	return done
}

// floods are attacks that try to keep the manager busy.
func floods() []flood {
	root := topics.DefaultRoot
	return []flood{
		{"10,000 silent connections, as fast as they are made", 1, func(ctx context.Context, a *attempt) int { return a.silent(ctx, 10_000, nil) }},
		{"500 connections that send a byte of TLS a second", 1, func(ctx context.Context, a *attempt) int {
			return a.silent(ctx, 500, []byte{22, 3, 1, 1, 0, 1, 0, 0, 252, 3, 3})
		}},
		{"100 connects a second of one identity", 1, func(ctx context.Context, a *attempt) int {
			h := a.device()
			return every(ctx, 10*time.Millisecond, func() { a.login(h) })
		}},
		{"100 connects a second with a wrong password", 1, func(ctx context.Context, a *attempt) int {
			return every(ctx, 10*time.Millisecond, func() {
				a.login(hello{id: a.name, identity: identity{username: a.name, password: "guess"}})
			})
		}},
		{"100 packets a second that are malformed", 1, func(ctx context.Context, a *attempt) int {
			var all [][]byte
			for _, packet := range malformed {
				all = append(all, packet)
			}
			n := 0
			return every(ctx, 10*time.Millisecond, func() {
				if w, err := a.dial(overTLS, nil); err == nil {
					_, _ = w.Write(all[n%len(all)])
					_ = w.Close()
				}
				n++
			})
		}},
		{"publishing what is not allowed, without a pause", 2, func(ctx context.Context, a *attempt) int {
			w := a.in(a.device())
			return every(ctx, 0, func() { w.publish(root.Topic(topics.GroupConfig, "shops"), bad(a.name), true) })
		}},
		{"retained messages of 60 KB, without a pause", 1, func(ctx context.Context, a *attempt) int {
			w, large := a.in(a.device()), strings.Repeat("x", 60_000)
			return every(ctx, 0, func() { w.publish(root.Topic(topics.DeviceStatus, a.name), large, true) })
		}},
		{"subscribing to everything, without a pause", 2, func(ctx context.Context, a *attempt) int {
			w, n := a.in(a.device()), 0
			return every(ctx, 0, func() {
				w.subscribe(fmt.Sprintf("muster/v1/+/x%d/#", n))
				n++
			})
		}},
		{"requests with wrong passwords, without a pause", 2, func(ctx context.Context, a *attempt) int {
			as := visitors()[2]
			return every(ctx, 0, func() { as.attack(a) })
		}},
		{"JSON of 100,000 levels, 20 a second", 1, func(ctx context.Context, a *attempt) int {
			body := strings.Repeat(`{"a":`, 100_000)
			return every(ctx, 50*time.Millisecond, func() { a.ask("POST", "/api/v2/apps/"+a.name, body, a.admin) })
		}},
	}
}

// silent makes connections of TCP and says nothing on them, but for a byte of first a second.
func (a *attempt) silent(ctx context.Context, n int, first []byte) int {
	var conns []net.Conn
	defer func() {
		for _, c := range conns {
			_ = c.Close()
		}
	}()
	for range n {
		c, err := new(net.Dialer).DialContext(ctx, "tcp", a.mqtts)
		if err != nil {
			break
		}
		conns = append(conns, c)
	}
	for i := 0; ctx.Err() == nil; i++ {
		for _, c := range conns {
			if i < len(first) {
				_, _ = c.Write(first[i : i+1])
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
	return len(conns)
}

// Devices that check in notice nothing of what goes on beside them: the 99th of a hundred answers takes at most twice as long.
func TestFloods(t *testing.T) {
	window := 400 * time.Millisecond
	if longer, err := time.ParseDuration(os.Getenv("MUSTER_ATTACK_WINDOW")); err == nil {
		window = longer
	}
	s := newSite(t)
	h := newHealthy(s)
	h.p99(t, window) // warm
	lines := []string{"| attack | done | p99 without | p99 beside it | ratio |", "|---|---|---|---|---|"}
	for i, f := range floods() {
		var ratios []float64
		var quiet, beside []time.Duration
		done := 0
		for range 3 {
			quiet = append(quiet, h.p99(t, window))
			ctx, stop := context.WithCancel(t.Context())
			var wg sync.WaitGroup
			var mu sync.Mutex
			for n := range f.attackers {
				wg.Go(func() {
					a := &attempt{site: s, over: overTLS, name: fmt.Sprintf("flood-%d-%d-%d", i, len(quiet), n)}
					did := f.attack(ctx, a)
					mu.Lock()
					done += did
					mu.Unlock()
				})
			}
			beside = append(beside, h.p99(t, window))
			stop()
			wg.Wait()
			ratios = append(ratios, float64(beside[len(beside)-1])/float64(quiet[len(quiet)-1]))
		}
		slices.Sort(ratios)
		slices.Sort(quiet)
		slices.Sort(beside)
		lines = append(lines, fmt.Sprintf("| %s | %d | %.1f ms | %.1f ms | %.1f |", f.name, done, ms(quiet[1]), ms(beside[1]), ratios[1]))
		if ratios[1] > 2 && beside[1] > tolerable {
			t.Errorf("%s: p99 is %v, without it %v", f.name, beside, quiet)
		}
	}
	show(t, strings.Join(lines, "\n"))
}

// tolerable is a p99 that is no sign of trouble, whatever it is without an attack: the attackers use the same processors.
const tolerable = 50 * time.Millisecond

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
