package link_test

import (
	"context"
	"testing"
	"time"

	"muster/broker"
	"muster/broker/client"
	"muster/broker/client/clienttest"
	"muster/broker/client/network"
	"muster/test/rig"
	"muster/topics"
	"muster/worker"
	"muster/worker/link"
)

// patience is how long to wait for what a broker does within milliseconds.
const patience = 20 * time.Second

// brokers are those that the link is tried with.
var brokers = map[string]func(t *testing.T) (url string){
	"embedded": func(t *testing.T) string {
		server, err := broker.Listen(broker.Options{
			Root: topics.DefaultRoot, TCPAddr: "127.0.0.1:0",
			// The peer is the manager and the onlooker, everybody else a device.
			Authenticate: func(l broker.Login) (topics.Subject, error) {
				if l.ClientID == "manager" {
					return topics.Subject{Role: topics.RoleManager, Name: "m"}, nil
				}
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
		return "mqtt://" + server.TCPAddr().String()
	},
	"mosquitto": func(t *testing.T) string { return rig.Mosquitto(t, rig.MosquittoOptions{}).URL() },
}

// onBrokers runs a test with each broker, and a peer that sees all that devices send.
func onBrokers(t *testing.T, test func(t *testing.T, url string, manager *clienttest.Peer)) {
	for name, begin := range brokers {
		t.Run(name, func(t *testing.T) {
			url := begin(t)
			manager := clienttest.NewPeer(t, url, "manager")
			manager.Subscribe(topics.DefaultRoot.Filter(topics.DeviceStatus))
			manager.Subscribe(topics.DefaultRoot.Filter(topics.DeviceCheckin))
			manager.Subscribe(topics.DefaultRoot.Filter(topics.DeviceProgress))
			test(t, url, manager)
		})
	}
}

// run runs a link of device d, group g, until stop, which waits for its end.
func run(t *testing.T, url string, interval time.Duration, change ...func(*link.Options)) (l *link.Link, stop func()) {
	t.Helper()
	o := link.Options{
		Group: "g", Device: "d", Agent: "test", StateDir: t.TempDir(), Interval: interval,
		Dial: func(will func() *client.Message) (client.Client, error) {
			return network.Dial(network.Options{URL: url, ClientID: "d", Will: will, Backoff: network.Backoff{Min: time.Millisecond, Max: 100 * time.Millisecond}})
		},
	}
	for _, c := range change {
		c(&o)
	}
	l, err := link.New(o)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	var stopped bool
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
	t.Cleanup(stop)
	return l, stop
}

// next is the next message of that kind.
func next(t *testing.T, manager *clienttest.Peer, kind topics.Kind) client.Message {
	t.Helper()
	for {
		m := manager.Next()
		topic, err := topics.DefaultRoot.Parse(m.Topic)
		if err != nil || topic.Name != "d" {
			t.Fatalf("message on %s (%v), want one of device d", m.Topic, err)
		}
		if topic.Kind == kind {
			return m
		}
	}
}

func nextStatus(t *testing.T, manager *clienttest.Peer) topics.Status {
	t.Helper()
	s, err := topics.ParseStatus(next(t, manager, topics.DeviceStatus).Payload)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// await is the next config that is offered.
func await(t *testing.T, l *link.Link) worker.Offered {
	t.Helper()
	select {
	case o := <-l.Configs():
		return o
	case <-time.After(patience):
		t.Fatal("no config is offered")
		return worker.Offered{}
	}
}

func TestRetainedAndPublishedConfigsArrive(t *testing.T) {
	onBrokers(t, func(t *testing.T, url string, manager *clienttest.Peer) {
		topic := topicOf(topics.GroupConfig, "g")
		manager.Publish(client.Message{Topic: topic, Payload: config(t, "g", 1), Retain: true})
		l, _ := run(t, url, time.Hour)
		if o := await(t, l); o.Config.Version != version(1) || o.From != "retained" {
			t.Errorf("offered is %v from %s, want the retained config", o.Config.Version, o.From)
		}
		manager.Publish(client.Message{Topic: topic, Payload: config(t, "g", 2), Retain: true})
		if o := awaitAfter(t, l, version(1)); o.Config.Version != version(2) {
			t.Errorf("offered is %v, want the config that was published", o.Config.Version)
		}
		// Deleting the group and garbage change nothing.
		manager.Publish(client.Message{Topic: topic, Payload: nil, Retain: true})
		manager.Publish(client.Message{Topic: topic, Payload: []byte("garbage"), Retain: true})
		manager.Publish(client.Message{Topic: topic, Payload: config(t, "g", 3), Retain: true})
		if o := awaitAfter(t, l, version(2)); o.Config.Version != version(3) {
			t.Errorf("offered is %v, want the next good config", o.Config.Version)
		}
	})
}

// awaitAfter is the first config that is not of the version before: brokers may deliver one twice.
func awaitAfter(t *testing.T, l *link.Link, before topics.Version) worker.Offered {
	t.Helper()
	for {
		if o := await(t, l); o.Config.Version != before {
			return o
		}
	}
}

func TestCheckinIsAnswered(t *testing.T) {
	onBrokers(t, func(t *testing.T, url string, manager *clienttest.Peer) {
		l, _ := run(t, url, 300*time.Millisecond)
		l.Have(version(6))
		for seq := int64(1); seq <= 3; seq++ {
			m := next(t, manager, topics.DeviceCheckin)
			r, err := topics.ParseCheckinRequest(m.Payload)
			if err != nil || r.Seq != seq || r.DeviceGroup != "g" || r.Have != version(6) {
				t.Fatalf("check-in %d is %+v, %v", seq, r, err)
			}
			if m.ResponseTopic != topicOf(topics.DeviceReply, "d") || string(m.CorrelationData) != r.RequestID || m.Expiry != time.Second {
				t.Errorf("the message of a check-in is %+v", m)
			}
			reply := encode(t, topics.CheckinReply{RequestID: r.RequestID, Version: version(6 + seq), Config: config(t, "g", 6+seq)})
			manager.Publish(client.Message{Topic: topicOf(topics.DeviceReply, "d"), Payload: reply})
			if o := await(t, l); o.Config.Version != version(6+seq) || o.From != "check-in" {
				t.Errorf("offered is %v from %s, want the config of the reply", o.Config.Version, o.From)
			}
		}
	})
}

func TestStatusComesAndGoes(t *testing.T) {
	onBrokers(t, func(t *testing.T, url string, manager *clienttest.Peer) {
		l, stop := run(t, url, time.Hour)
		l.SetReport(topics.Report{Phase: topics.PhaseWaiting})
		first := nextStatus(t, manager)
		if first.State != topics.Online || first.Session == 0 || !first.Version.IsZero() || first.Phase != topics.PhaseWaiting {
			t.Errorf("the first status is %+v", first)
		}
		l.SetReport(topics.Report{Version: version(1), Failing: []topics.Failure{{App: "web", Reason: "no space"}}})
		if s := nextStatus(t, manager); s.Session != first.Session || s.Version != version(1) || len(s.Failing) != 1 {
			t.Errorf("the status after a change is %+v", s)
		}
		l.Progress(topics.Progress{App: "web", Phase: topics.PhasePull, Done: 1, Total: 2, At: time.Now()})
		if p, err := topics.ParseProgress(next(t, manager, topics.DeviceProgress).Payload); err != nil || p.Done != 1 {
			t.Errorf("the progress is %+v, %v", p, err)
		}
		stop()
		if s := nextStatus(t, manager); s.State != topics.Offline || s.Session != first.Session {
			t.Errorf("the status after a clean stop is %+v", s)
		}
	})
}

// A broker takes reports also while nobody listens to them, and keeps none.
func TestReportsWithAndWithoutListeners(t *testing.T) {
	onBrokers(t, func(t *testing.T, url string, manager *clienttest.Peer) {
		begun := make(chan struct{}, 100)
		l, _ := run(t, url, time.Hour, func(o *link.Options) {
			o.Machine = func(context.Context) topics.Machine { begun <- struct{}{}; return topics.Machine{} }
		})
		l.SetReport(state("0"))
		<-begun
		nextStatus(t, manager) // it is connected
		for _, id := range []string{"a", "b"} {
			l.SetReport(state(id))
			<-begun // the one before has been acknowledged
		}
		manager.Subscribe(topics.DefaultRoot.Filter(topics.DeviceReport))
		l.SetReport(state("c"))
		var r topics.Report
		for r.Seq < 4 { // the one before may have come too
			m := next(t, manager, topics.DeviceReport)
			var err error
			if r, err = topics.ParseReport(m.Payload); err != nil || m.Retain || r.Seq < 3 || !r.Updated || m.ContentType != "application/json" {
				t.Fatalf("the report is %+v in %+v, %v", r, m, err)
			}
		}
	})
}

func TestWillTellsOfALostConnection(t *testing.T) {
	onBrokers(t, func(t *testing.T, url string, manager *clienttest.Peer) {
		proxy := clienttest.NewProxy(t, url)
		l, _ := run(t, proxy.URL(), time.Hour)
		l.SetReport(state("a"))
		first := nextStatus(t, manager)
		proxy.Cut()
		// The will of the old session and the status of the new one come in either order.
		seen := map[string]topics.Status{}
		for range 2 {
			s := nextStatus(t, manager)
			seen[s.State] = s
		}
		if seen[topics.Offline].Session != first.Session || seen[topics.Online].Session <= first.Session {
			t.Errorf("after session %d was cut: %+v, want its end and a later one", first.Session, seen)
		}
	})
}
