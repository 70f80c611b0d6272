package broker

import (
	"github.com/mochi-mqtt/server/v2/packets"
)

// claim makes c the connection of its client id, and ends the one that was. It returns when that is gone
// with all its traces and its will is published: in mochi's own takeover, the end of the old connection can
// remove the new one from the broker.
func (s *Server) claim(c *conn) *refusal {
	for {
		s.mu.Lock()
		owner := s.owners[c.client.ID]
		var refused *refusal
		switch {
		case s.closed:
			refused = &refusal{packets.ErrServerShuttingDown, "the broker is closing"}
		case owner != nil && (owner.identity.Role != c.identity.Role || owner.identity.Name != c.identity.Name):
			refused = &refusal{packets.ErrClientIdentifierNotValid, "the client id belongs to somebody else who is connected"}
		case owner == nil && len(s.owners) >= s.opts.MaxConnections:
			refused = &refusal{packets.ErrServerBusy, "there are too many connections"}
			if c.version < 5 {
				refused.code = packets.ErrServerUnavailable // the one that mochi can translate
			}
		case owner == nil:
			s.owners[c.client.ID] = c
		}
		s.mu.Unlock()
		if owner == nil || refused != nil {
			return refused
		}
		owner.stop(packets.ErrSessionTakenOver)
		select {
		case <-owner.done:
		case <-s.done:
		}
	}
}

// release frees the client id of c, if c has it.
func (s *Server) release(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.client != nil && s.owners[c.client.ID] == c {
		delete(s.owners, c.client.ID)
	}
}

// admit counts a new connection in. It reports false when there is no room, or the server is closing.
func (s *Server) admit(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	// The margin is for connections that will be told the reason, or are one's next while its last ends.
	if s.closed || len(s.conns) >= s.opts.MaxConnections+connectionMargin {
		return false
	}
	s.conns[c] = struct{}{}
	s.wg.Add(1)
	return true
}

// connectionMargin is how many connections above MaxConnections get an answer to their CONNECT.
const connectionMargin = 256

// forget counts c out.
func (s *Server) forget(c *conn) {
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
	s.wg.Done()
}
