package attack

import (
	"net"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"
)

// Thousands who say nothing after their TLS handshakes keep nobody out, and each is ended when its time is over. MUSTER_ATTACK_SILENT says how many
// there are.
func TestSilentAfterTheHandshake(t *testing.T) {
	t.Parallel()
	n := 500
	if more, err := strconv.Atoi(os.Getenv("MUSTER_ATTACK_SILENT")); err == nil {
		n = more
	}
	s := newSite(t)
	newHealthy(s)
	a := &attempt{site: s, over: overTLS, name: "in-between"}
	h := a.device()

	began := time.Now()
	conns := make(chan net.Conn, n)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range n / 8 {
				w, err := s.dial(overTLS, nil)
				if err != nil {
					t.Errorf("a handshake is refused: %v", err)
					return
				}
				conns <- w
			}
		})
	}
	wg.Wait()
	close(conns)
	made := time.Since(began)
	if got := a.login(h); got != accepted {
		t.Errorf("a device beside them: %s", got)
	}

	var ends sync.WaitGroup
	for c := range conns {
		ends.Go(func() {
			defer c.Close()
			_ = c.SetReadDeadline(time.Now().Add(2 * time.Minute))
			if _, err := c.Read(make([]byte, 1)); err == nil || outcome(err) != "closed" {
				t.Errorf("a silent connection: %v, want its end", err)
			}
		})
	}
	ends.Wait()
	t.Logf("%d silent connections were made in %v, and the last was ended %v after the first was made", n, made.Round(time.Millisecond), time.Since(began).Round(time.Second))
}
