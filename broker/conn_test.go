package broker

import (
	"errors"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// Once a connection is being closed, nothing that mochi does puts the end off.
func TestClosingConnHasAnEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := listen(t, nil)
		here, there := net.Pipe()
		defer here.Close()
		c := newConn(s, there, true)
		c.keepAlive = time.Hour
		_ = c.Close()
		_ = c.SetDeadline(time.Time{})
		start := time.Now()
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read: %v", err)
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("a read took %v", took)
		}
		if _, err := c.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("write: %v", err)
		}
		if took := time.Since(start); took != goodbyeTime {
			t.Errorf("a write that nobody reads took %v, want %v", took, goodbyeTime)
		}
		_ = there.Close()
	})
}

// After a write of which only a part went through, nothing else is written.
func TestNoWriteAfterAPartialOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := listen(t, nil)
		here, there := net.Pipe()
		defer here.Close()
		c := newConn(s, there, true)
		go func() { _, _ = here.Read(make([]byte, 2)) }()
		if n, err := c.Write([]byte("abcd")); n != 2 || err == nil {
			t.Fatalf("wrote %d bytes: %v; want 2 and an error", n, err)
		}
		go func() { _, _ = here.Read(make([]byte, 2)) }()
		synctest.Wait()
		if n, err := c.Write([]byte("ef")); n != 0 || !errors.Is(err, net.ErrClosed) {
			t.Errorf("then wrote %d bytes: %v; want none", n, err)
		}
		_ = there.Close()
	})
}
