package api_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"muster/manager/api"
)

func listen(t *testing.T, h http.Handler) *api.Server {
	t.Helper()
	s, err := api.Listen("127.0.0.1:0", h, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestServer(t *testing.T) {
	m := newManager(t)
	s := listen(t, m.handler)
	ctx, stop := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- s.Run(ctx) }()

	r, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+s.Addr().String()+"/api/v2/status", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth(user, password)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if resp.StatusCode != 200 || strings.TrimSpace(string(body)) != `{"api_available":true}` {
		t.Errorf("%d %s", resp.StatusCode, body)
	}

	stop()
	if err := <-ran; err != nil {
		t.Errorf("Run after a stop: %v", err)
	}
	if c, err := net.Dial("tcp", s.Addr().String()); err == nil {
		c.Close()
		t.Error("still listening after Run has returned")
	}
}

// A request that is under way when the server is stopped is answered.
func TestServerFinishesWhatIsUnderWay(t *testing.T) {
	arrived, release := make(chan struct{}), make(chan struct{})
	s := listen(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(arrived)
		<-release
		_, _ = io.WriteString(w, "done")
	}))
	ctx, stop := context.WithCancel(t.Context())
	ran, answered := make(chan error, 1), make(chan string, 1)
	go func() { ran <- s.Run(ctx) }()
	go func() {
		resp, err := http.Get("http://" + s.Addr().String())
		if err != nil {
			answered <- err.Error()
			return
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		answered <- string(body)
	}()
	<-arrived
	stop()
	// The listener goes first, while the request is still under way.
	for deadline := time.Now().Add(10 * time.Second); ; {
		c, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			break
		}
		c.Close()
		if time.Now().After(deadline) {
			t.Fatal("still listening after the stop")
		}
	}
	select {
	case err := <-ran:
		t.Fatalf("Run returned with a request under way: %v", err)
	default:
	}
	close(release)
	if got := <-answered; got != "done" {
		t.Errorf("the request got %q", got)
	}
	if err := <-ran; err != nil {
		t.Errorf("Run: %v", err)
	}
}

func TestListenOnATakenPort(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, err = api.Listen(taken.Addr().String(), http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	if !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), taken.Addr().String()+" is taken by another program") {
		t.Errorf("error %v", err)
	}
	if _, err := api.Listen("127.0.0.1:x", http.NotFoundHandler(), slog.New(slog.DiscardHandler)); err == nil {
		t.Error("no error for a port that is none")
	}
}
