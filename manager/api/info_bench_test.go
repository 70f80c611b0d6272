package api_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"muster/manager/api"
	"muster/manager/auth"
	"muster/manager/store"
	"muster/topics"
)

// BenchmarkInfo is GET /info of a device_group with 5 apps by 100 clients that keep their TCP connections.
// They share the process, and so the processors, with the server.
func BenchmarkInfo(b *testing.B) {
	m := newManager(b)
	own := auth.NewToken()
	fillBenchmark(b, m.store, own)
	server, err := api.Listen("127.0.0.1:0", m.handler, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(b.Context())
	served := make(chan error, 1)
	go func() { served <- server.Run(ctx) }()
	b.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			b.Error(err)
		}
	})
	for _, by := range []struct {
		name        string
		credentials []string
	}{
		{"local-admin", []string{user, password}},
		{"user-password", []string{"u500", "pass"}},
		{"user-token", []string{own}},
		{"user-token-of-nebula", []string{"nebula-t0ken"}},
	} {
		b.Run(by.name, func(b *testing.B) {
			benchmarkInfo(b, "http://"+server.Addr().String()+"/api/v2/device_groups/bench/info", by.credentials)
		})
	}
}

func benchmarkInfo(b *testing.B, url string, credentials []string) {
	const connections = 100
	transport := &http.Transport{MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections}
	defer transport.CloseIdleConnections()
	get := func() error {
		r, err := http.NewRequestWithContext(b.Context(), "GET", url, nil)
		if err != nil {
			return err
		}
		setCredentials(r, credentials...)
		resp, err := transport.RoundTrip(r)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != 200 {
			return fmt.Errorf("status %d, %w", resp.StatusCode, err)
		}
		return nil
	}
	if err := get(); err != nil { // the first login is no part of it
		b.Fatal(err)
	}
	var left atomic.Int64
	left.Store(int64(b.N))
	b.ResetTimer()
	var wg sync.WaitGroup
	for range connections {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if err := get(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
}

// fillBenchmark puts in a device_group with 5 apps, and 1,000 users of whom u500 may read it. Their tokens are
// Nebula's, but for that of u500.
func fillBenchmark(b *testing.B, s store.Store, own string) {
	b.Helper()
	must := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	group := store.DeviceGroup{DeviceGroup: "bench", DeviceGroupID: 1, PruneID: 1}
	for i := range 5 {
		app := topics.NewApp(fmt.Sprint("app", i), "registry.example:5000/team/app:1.2.3")
		app.EnvVars = topics.EnvVars{"LOG_LEVEL": "info", "REGION": "eu-central-1"}
		group.Apps = append(group.Apps, app.AppName)
		must(s.Apps().Create(b.Context(), app))
	}
	must(s.DeviceGroups().Create(b.Context(), group))
	hashed := func(secret string, cost int) string {
		h, err := bcrypt.GenerateFromPassword([]byte(secret), cost)
		must(err)
		return string(h)
	}
	pass, ours, nebulas, others := hashed("pass", 12), hashed(own, bcrypt.DefaultCost), hashed("nebula-t0ken", 12), hashed("other", bcrypt.MinCost)
	for i := range 1000 {
		u := store.User{UserName: fmt.Sprintf("u%03d", i), Password: pass, Token: others}
		switch i {
		case 500:
			u.Token, u.TokenSelector = ours, auth.SelectorOf(own, ours)
		case 501:
			u.Token = nebulas
		}
		must(s.Users().Create(b.Context(), u))
	}
	must(s.UserGroups().Create(b.Context(), store.UserGroup{
		UserGroup: "readers", GroupMembers: []string{"u500", "u501"}, DeviceGroups: map[string]store.Right{"bench": store.ReadOnly},
	}))
}
