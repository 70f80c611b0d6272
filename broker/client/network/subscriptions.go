package network

import (
	"slices"
	"strings"
	"sync"

	"github.com/eclipse/paho.golang/paho"

	"muster/broker/client"
	"muster/topics"
)

// A subscription is what the caller wants, and on which connection the broker was told.
type subscription struct {
	client.Subscription
	placed *connection
}

// subscriptions are what the caller wants to hear, in the order of their first Subscribe. There are few:
// a worker has two, a manager a handful.
type subscriptions struct {
	mu   sync.Mutex
	list []*subscription
}

// set adds s, or replaces the one with the same filter and share.
func (l *subscriptions) set(s client.Subscription) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.IndexFunc(l.list, func(old *subscription) bool { return old.Filter == s.Filter && old.Share == s.Share })
	if i < 0 {
		l.list = append(l.list, &subscription{Subscription: s})
		return
	}
	l.list[i] = &subscription{Subscription: s}
}

// missing returns the first few of which the broker on n has not been told.
func (l *subscriptions) missing(n *connection, most int) []*subscription {
	l.mu.Lock()
	defer l.mu.Unlock()
	var missing []*subscription
	for _, s := range l.list {
		if s.placed != n && len(missing) < most {
			missing = append(missing, s)
		}
	}
	return missing
}

// place records that the broker on n has been told. One that was replaced in the meantime stays missing.
func (l *subscriptions) place(n *connection, subs []*subscription) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range subs {
		s.placed = n
	}
}

// deliver calls the handlers whose filters match.
func (l *subscriptions) deliver(m client.Message) {
	l.mu.Lock()
	var handlers []client.Handler
	for _, s := range l.list {
		if topics.Match(s.Filter, m.Topic) {
			handlers = append(handlers, s.Handler)
		}
	}
	l.mu.Unlock()
	for _, handler := range handlers {
		handler(m)
	}
}

// request is how s is said to the broker on n, or why that would be of no use.
func (s *subscription) request(n *connection) (request paho.SubscribeOptions, unable string) {
	request = paho.SubscribeOptions{Topic: s.Filter, QoS: s.QoS}
	if s.Share != "" && n.server.SharedSubAvailable {
		request.Topic = sharedFilter(s.Subscription)
	}
	if !n.server.WildcardSubAvailable && strings.ContainsAny(s.Filter, "+#") {
		return request, "the broker has no wildcard subscriptions"
	}
	return request, ""
}
