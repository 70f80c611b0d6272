package link_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"muster/broker"
	"muster/broker/client"
	"muster/broker/client/clienttest"
	"muster/broker/client/network"
	"muster/topics"
	"muster/worker/link"
)

// A sieve decides what becomes of reports, in the embedded broker's publish path.
type sieve struct {
	mu     sync.Mutex
	decide func(r topics.Report) error
	taken  []topics.Report
	tried  map[string]int // by report_id
}

func (s *sieve) report(p broker.Published) error {
	r, err := topics.ParseReport(p.Payload)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tried[r.ReportID]++
	if s.decide != nil {
		if err := s.decide(r); err != nil {
			return err
		}
	}
	s.taken = append(s.taken, r)
	return nil
}

func (s *sieve) set(decide func(topics.Report) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.decide = decide
}

// long is how long a report may take that is tried again twice, and waits for its turn on a connection that counts as new.
const long = 5 * patience

// await waits until a report with that container is taken, and returns the containers of all.
func (s *sieve) await(t *testing.T, id string) string {
	t.Helper()
	for deadline := time.Now().Add(long); ; time.Sleep(10 * time.Millisecond) {
		s.mu.Lock()
		var ids []string
		for _, r := range s.taken {
			ids = append(ids, r.Apps[0].Containers[0].ID)
		}
		s.mu.Unlock()
		if slices.Contains(ids, id) {
			return strings.Join(ids, " ")
		}
		if time.Now().After(deadline) {
			t.Fatalf("taken are %v, want one with %s", ids, id)
		}
	}
}

// tries waits until the report with that number has come that often.
func (s *sieve) tries(t *testing.T, seq, n int) {
	t.Helper()
	for deadline := time.Now().Add(long); ; time.Sleep(10 * time.Millisecond) {
		s.mu.Lock()
		tried := 0
		for id, times := range s.tried {
			if strings.HasSuffix(id, fmt.Sprintf("-%d", seq)) {
				tried = times
			}
		}
		s.mu.Unlock()
		if tried >= n {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("report %d was tried %d times, want %d", seq, tried, n)
		}
	}
}

// sieving is a link of device d on an embedded broker with a sieve, through a proxy.
func sieving(t *testing.T) (l *link.Link, s *sieve, proxy *clienttest.Proxy) {
	s = &sieve{tried: map[string]int{}}
	server, err := broker.Listen(broker.Options{
		Root: topics.DefaultRoot, TCPAddr: "127.0.0.1:0", Report: s.report,
		Authenticate: func(l broker.Login) (topics.Subject, error) {
			return topics.Subject{Role: topics.RoleDevice, Name: l.ClientID, Group: "g"}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Errorf("close the broker: %v", err)
		}
	})
	proxy = clienttest.NewProxy(t, "mqtt://"+server.TCPAddr().String())
	l, _ = run(t, "", time.Minute, func(o *link.Options) {
		o.Dial = func(will func() *client.Message) (client.Client, error) {
			return network.Dial(network.Options{
				URL: proxy.URL(), ClientID: "d", Will: will, Backoff: network.Backoff{Min: time.Millisecond, Max: 100 * time.Millisecond},
			})
		}
	})
	return l, s, proxy
}

// A spool that is full has the device keep the report; a report that the bridge will never take makes way for the next.
func TestReportsThatTheBridgeRefuses(t *testing.T) {
	t.Parallel()
	l, s, _ := sieving(t)
	s.set(func(topics.Report) error { return &broker.Refusal{Code: 0x97, Reason: "the spool is full"} })
	l.SetReport(state("a"))
	s.tries(t, 1, 1)
	l.SetReport(state("poison"))
	s.tries(t, 1, 2)
	s.set(func(r topics.Report) error {
		if r.Apps[0].Containers[0].ID == "poison" {
			return &broker.Refusal{Code: 0x99, Reason: "it is not what a report is"}
		}
		return nil
	})
	s.await(t, "a")
	l.SetReport(state("b"))
	if got := s.await(t, "b"); got != "a b" {
		t.Errorf("taken are %q, want a and b", got)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, n := range s.tried {
		if strings.HasSuffix(id, "-2") && n != 1 {
			t.Errorf("a report that was refused for good was sent %d times", n)
		}
	}
}

// Connections that break at any moment, also between a report and its acknowledgement, lose none and change no order.
func TestReportsOverAConnectionThatBreaks(t *testing.T) {
	t.Parallel()
	l, s, proxy := sieving(t)
	for i := range 12 {
		if i%3 == 1 {
			s.set(func(r topics.Report) error {
				if r.Seq == int64(i+1) {
					proxy.Deafen(true) // its acknowledgement gets nowhere, while that of the one before has
				}
				return nil
			})
		}
		l.SetReport(state(fmt.Sprint(i)))
		s.await(t, fmt.Sprint(i))
		if i%3 == 1 {
			s.set(nil)
			proxy.Cut()
			proxy.Deafen(false)
			s.tries(t, i+1, 2)
		}
		if i%3 == 2 {
			proxy.Cut()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	seq, again := int64(0), 0
	for _, r := range s.taken {
		switch r.Seq {
		case seq:
			again++
		case seq + 1:
			seq++
		default:
			t.Errorf("report %d after %d", r.Seq, seq)
		}
	}
	if seq != 12 || again == 0 {
		t.Errorf("taken are %d reports, %d of them again, want 12 and some", seq, again)
	}
}
