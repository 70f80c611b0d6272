package e2e

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"muster/test/rig"
)

// tokenOf makes an enrollment token for so many devices.
func (in *installation) tokenOf(group string, uses int) string {
	in.t.Helper()
	in.must("POST", "/device_groups/"+group, fields{"apps": []string{}, "cron_jobs": []string{}})
	shown, _ := in.must("POST", "/tokens", fields{"kind": "enroll", "device_group": group, "uses": uses})["token"].(string)
	return shown
}

// Whenever a manager dies while many devices enroll, none is left behind, none has two identities, and the token is good for
// as many as it says.
func TestAManagerIsKilledWhileDevicesEnroll(t *testing.T) {
	for name, tc := range map[string]struct {
		uses  int
		flags func() []string
	}{
		"SQLite":  {120, func() []string { return nil }},
		"MongoDB": {40, func() []string { return []string{"--mongo-url", rig.MongoDB(t)} }},
	} {
		t.Run(name, func(t *testing.T) {
			const tooMany, kills = 8, 4
			uses := tc.uses
			in, more := newInstallation(t, nil), tc.flags()
			in.startManager(more...)
			in.password = in.read(in.dataDir(), "admin-password")
			shown := in.tokenOf("shops", uses)
			ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
			defer cancel()

			all := in.manyNewcomers(t, uses+tooMany, shown)
			var running sync.WaitGroup
			var issued, refused atomic.Int64
			ended := make(chan struct{}, len(all))
			turns := make(chan struct{}, uses/4) // so that the kills come in between
			for _, n := range all {
				running.Go(func() {
					turns <- struct{}{}
					err := n.enroll(ctx)
					<-turns
					switch {
					case err == nil:
						issued.Add(1)
					case errors.Is(err, errNoCertificate) && strings.Contains(err.Error(), "no uses left"):
						refused.Add(1)
					default:
						t.Error(err)
					}
					ended <- struct{}{}
				})
			}
			for kill := range kills {
				for range uses / (kills + 1) {
					<-ended
				}
				in.manager.kill()
				if issued.Load()+refused.Load() == int64(len(all)) {
					t.Errorf("all are enrolled before kill %d", kill)
				}
				in.startManager(more...)
			}
			running.Wait()
			if issued.Load() != int64(uses) || refused.Load() != tooMany {
				t.Errorf("%d devices are enrolled and %d refused, want %d and %d", issued.Load(), refused.Load(), uses, tooMany)
			}

			id, _, _ := strings.Cut(shown, ".")
			if used := in.must("GET", "/tokens/"+id, nil)["used"]; used != float64(uses) {
				t.Errorf("%v uses are taken, want %d", used, uses)
			}
			listed, _ := in.must("GET", "/devices?page_size=1000", nil)["devices"].([]any)
			if len(listed) != uses {
				t.Errorf("%d devices are listed, want %d", len(listed), uses)
			}
			all = slices.DeleteFunc(all, func(n *newcomer) bool { return n.issued.Certificate == "" })
			for _, n := range all {
				running.Go(func() {
					if err := n.login(ctx); err != nil {
						t.Error(err)
					}
				})
			}
			running.Wait()
		})
	}
}

// BenchmarkEnroll measures how long 1,000 devices take to enroll at once over TLS, connections and handshakes included, and what
// the manager and its broker have used of the CPU for it.
func BenchmarkEnroll(b *testing.B) {
	const devices = 1000
	in := installManager(b, nil)
	round := 0
	for b.Loop() {
		b.StopTimer()
		round++
		all := in.manyNewcomers(b, devices, in.tokenOf(fmt.Sprint("shops", round), devices))
		used := cpuTime(b, in.manager)
		b.StartTimer()
		began := time.Now()
		var running sync.WaitGroup
		for _, n := range all {
			running.Go(func() {
				if err := n.enroll(b.Context()); err != nil {
					b.Error(err)
				}
			})
		}
		running.Wait()
		b.ReportMetric(time.Since(began).Seconds(), "s")
		b.ReportMetric((cpuTime(b, in.manager) - used).Seconds(), "manager-cpu-s")
	}
	b.ReportMetric(residentMiB(b, in.manager), "manager-rss-MiB")
	b.ReportMetric(0, "ns/op")
}
