package rig_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"muster/test/rig"
)

func TestToxiproxy(t *testing.T) {
	const size = 100_000
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("x", size))
	}))
	t.Cleanup(upstream.Close)
	proxy, err := rig.Toxiproxy(t).NewProxy(t.Context(), strings.TrimPrefix(upstream.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}

	if got, err := download(proxy.Addr); got != size || err != nil {
		t.Fatalf("through the proxy: %d bytes, %v", got, err)
	}
	must(t, proxy.Disable(t.Context()))
	if got, err := download(proxy.Addr); err == nil {
		t.Errorf("through a disabled proxy: %d bytes", got)
	}
	must(t, proxy.Enable(t.Context()))
	if got, err := download(proxy.Addr); got != size || err != nil {
		t.Errorf("through a proxy enabled again: %d bytes, %v", got, err)
	}

	limit := rig.LimitData(10_000)
	must(t, proxy.Add(t.Context(), limit))
	if got, err := download(proxy.Addr); got > 10_000 || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("through a proxy that cuts at 10 kB: %d bytes, %v", got, err)
	}
	must(t, proxy.Remove(t.Context(), limit))

	for _, slow := range []rig.Toxic{rig.Latency(300, 0), rig.Bandwidth(200)} {
		must(t, proxy.Add(t.Context(), slow))
		start := time.Now()
		if got, err := download(proxy.Addr); got != size || err != nil {
			t.Errorf("through a proxy with %s: %d bytes, %v", slow.Type, got, err)
		}
		if took := time.Since(start); took < 250*time.Millisecond {
			t.Errorf("through a proxy with %s: took %s", slow.Type, took)
		}
		must(t, proxy.Remove(t.Context(), slow))
	}
}

func download(addr string) (int64, error) {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get("http://" + addr)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	return io.Copy(io.Discard, answer.Body)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
