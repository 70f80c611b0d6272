package broker

import (
	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"muster/topics"
)

// A Reason is what a client is told that [Server.Disconnect] ends, if it speaks MQTT 5.
type Reason byte

// The reasons.
const (
	// NotAuthorized says that the client would not be let in any more.
	NotAuthorized = Reason(0x87)
	// AdministrativeAction says that the client may connect again, and will be judged anew.
	AdministrativeAction = Reason(0x98)
)

// Disconnect ends the connections of all network clients whose subject matches, with their wills published, and returns how many
// those are. It does not wait for their end, but nothing that they send from now on is looked at. match is called for every
// connection and must be quick. It is not called for one that is about to be let in at this moment: such a one is held against the
// options' Authenticate once more, which must know by now what has changed.
func (s *Server) Disconnect(why Reason, match func(topics.Subject) bool) int {
	code := packets.ErrNotAuthorized
	if why == AdministrativeAction {
		code = packets.ErrAdministrativeAction
	}
	var out []*conn
	s.mu.Lock()
	s.disconnects++
	for c := range s.conns {
		if c.client != nil && match(c.identity) {
			out = append(out, c)
		}
	}
	s.mu.Unlock()
	for _, c := range out {
		c.stop(code)
	}
	return len(out)
}

// recognise has the options' Authenticate tell who c is. From then on Disconnect finds it.
func (s *Server) recognise(c *conn, cl *mqtt.Client, login Login) *refusal {
	for {
		s.mu.Lock()
		before := s.disconnects
		s.mu.Unlock()
		identity, err := s.opts.Authenticate(login)
		if err == nil {
			err = check(identity)
		}
		if err != nil {
			return &refusal{packets.ErrBadUsernameOrPassword, err.Error()}
		}
		c.identity = identity
		s.mu.Lock()
		current := s.disconnects == before
		if current {
			c.client = cl
		}
		s.mu.Unlock()
		if current {
			return nil
		}
	}
}
