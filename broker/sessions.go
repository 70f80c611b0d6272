package broker

import (
	"net"

	"github.com/mochi-mqtt/server/v2/packets"

	"muster/topics"
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
		case owner != nil && !c.mayFollow(owner):
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
		owner.replaceBy(c)
		owner.stop(packets.ErrSessionTakenOver)
		select {
		case <-owner.done:
		case <-s.done:
		}
	}
}

// mayFollow reports whether c may have the client id of another connection: when that is of the same identity, or when the client id is
// the name of c's device. Nobody keeps out a device by calling itself like that.
func (c *conn) mayFollow(other *conn) bool {
	mine := ownerOf(c.identity)
	return mine == ownerOf(other.identity) || mine.role == topics.RoleDevice && mine.name == c.client.ID
}

// replaceBy notes who takes the place of c.
func (c *conn) replaceBy(next *conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.next = next
}

// A Takeover is that a client had to go because another one came with the same identity.
type Takeover struct {
	// Subject is that of both.
	Subject topics.Subject
	// Old and New are the remote addresses of the two.
	Old, New net.Addr
}

// tellTakenOver tells of the end of c if another took its place while its peer was there: one that took the goodbye and hung up. Else it is
// a client that has lost its connection and made another.
func (s *Server) tellTakenOver(c *conn, tookGoodbye bool) {
	c.mu.Lock()
	next := c.next
	c.mu.Unlock()
	if next == nil || !tookGoodbye || ownerOf(next.identity) != ownerOf(c.identity) {
		return
	}
	s.log.Warn("mqtt client was there when another came with its identity", "client_id", c.client.ID, "role", c.identity.Role,
		"name", c.identity.Name, "old", c.RemoteAddr().String(), "new", next.RemoteAddr().String())
	if s.opts.TakenOver != nil {
		s.opts.TakenOver(Takeover{next.identity, c.RemoteAddr(), next.RemoteAddr()})
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
