package network

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/eclipse/paho.golang/paho"
)

// filtersPerSubscribe is how many filters one SUBSCRIBE may have at AWS IoT Core.
const filtersPerSubscribe = 8

// run keeps a connection until ctx ends.
func (c *Client) run(ctx context.Context) {
	delays := c.options.Backoff.delays()
	var last error
	for attempt := 1; ; attempt++ {
		n, where, err := c.connect(ctx, last)
		if ctx.Err() != nil && n == nil {
			return
		}
		last = err
		log := c.options.Log.With("broker", where.String(), "client_id", c.options.ClientID)
		if err != nil {
			wait := delays.NextBackOff()
			log.Warn("cannot connect to the MQTT broker", Failure(err, "attempt", attempt, "retry_in", wait.Round(time.Millisecond))...)
			if !sleep(ctx, wait) {
				return
			}
			continue
		}
		since := time.Now()
		c.serve(n, log)
		if ctx.Err() != nil {
			return
		}
		if time.Since(since) >= c.options.Backoff.Stable {
			delays.Reset()
		}
		attempt = 0
		if s := c.options.Session; s != nil && n.begun {
			log.Warn("lost the connection to the MQTT broker", Failure(context.Cause(n.ctx))...)
			s.Ended()
			return
		}
		wait := delays.NextBackOff()
		log.Warn("lost the connection to the MQTT broker", Failure(context.Cause(n.ctx), "retry_in", wait.Round(time.Millisecond))...)
		if !sleep(ctx, wait) {
			return
		}
	}
}

// connect makes one attempt, and says where.
func (c *Client) connect(ctx context.Context, last error) (*connection, endpoint, error) {
	o, where, open := c.options, c.where, c.open
	if o.Prepare != nil {
		err := o.Prepare(ctx, &o, last)
		if err == nil {
			where, err = parseURL(o.URL)
		}
		if err != nil {
			return nil, c.where, err
		}
		open = func(ctx context.Context) (net.Conn, error) { return where.open(ctx, o.TLS) }
	}
	packet, err := o.connectPacket()
	if err != nil {
		return nil, where, err
	}
	opening, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	raw, err := open(opening)
	if err != nil {
		return nil, where, err
	}
	n, err := connect(ctx, raw, packet, c.deliver, o.Session)
	return n, where, err
}

// connectPacket asks for a session that ends with the connection, unless the options want another: nothing depends on one
// that lasts, and a broker that keeps none cannot lose any.
func (o Options) connectPacket() (*paho.Connect, error) {
	p := &paho.Connect{
		ClientID: o.ClientID, CleanStart: true, KeepAlive: uint16(seconds(o.KeepAlive)),
		UsernameFlag: o.Username != "", Username: o.Username,
		PasswordFlag: len(o.Password) > 0, Password: o.Password,
		Properties: &paho.ConnectProperties{
			ReceiveMaximum:     paho.Uint16(receiveMaximum),
			MaximumPacketSize:  paho.Uint32(maximumPacket),
			RequestProblemInfo: true,
		},
	}
	if s := o.Session; s != nil {
		s.ask(p)
	}
	if o.Will == nil {
		return p, nil
	}
	if will := o.Will(); will != nil {
		if err := checkMessage(*will); err != nil {
			return nil, fmt.Errorf("will: %w", err)
		}
		p.WillMessage = &paho.WillMessage{Topic: will.Topic, Payload: will.Payload, QoS: will.QoS, Retain: will.Retain}
	}
	return p, nil
}

// serve keeps the subscriptions of n until it ends.
func (c *Client) serve(n *connection, log *slog.Logger) {
	defer n.end()
	if s := c.options.Session; s != nil {
		if err := s.begin(n); err != nil {
			n.cancel(err) // the goodbye comes after it
			return
		}
		s.Begun(n.kept)
	}
	for first := true; ; first = false {
		if err := c.placeSubscriptions(n, log); err != nil {
			return // n has failed, and knows why
		}
		if first {
			log.Info("connected to the MQTT broker")
			c.setCurrent(n)
		}
		wake(c.announce)
		select {
		case <-n.ctx.Done():
			return
		case <-c.subscribed:
		}
	}
}

// placeSubscriptions tells the broker what it has not been told yet on this connection.
func (c *Client) placeSubscriptions(n *connection, log *slog.Logger) error {
	for {
		missing := c.subs.missing(n, filtersPerSubscribe)
		if len(missing) == 0 {
			return nil
		}
		var requests []paho.SubscribeOptions
		for _, s := range missing {
			request, unable := s.request(n)
			if unable != "" {
				log.Warn("the MQTT broker cannot take a subscription", "filter", request.Topic, "reason", unable)
				continue
			}
			requests = append(requests, request)
		}
		if len(requests) > 0 {
			codes, err := n.subscribe(requests)
			if err != nil {
				return err
			}
			for i, code := range codes {
				if code >= 0x80 {
					log.Warn("the MQTT broker refused a subscription", "filter", requests[i].Topic, "reason", (&reasonError{code: code}).Error())
					if c.options.Refused != nil {
						c.options.Refused(requests[i].Topic)
					}
				}
			}
		}
		c.subs.place(n, missing)
	}
}

// Failure adds an error of a client's, and what to do about it, to the attributes of a log line.
func Failure(err error, attrs ...any) []any {
	attrs = append(attrs, "error", err)
	if h := hint(err); h != "" {
		attrs = append(attrs, "hint", h)
	}
	return attrs
}

// sleep waits, and reports false when ctx ended meanwhile.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
