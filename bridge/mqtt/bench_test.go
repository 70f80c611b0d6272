package mqtt

import (
	"log/slog"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"muster/bridge"
	disk "muster/bridge/spool"
	"muster/broker/client"
	"muster/broker/client/network"
	"muster/test/rig"
)

// BenchmarkReports is how fast reports of 700 bytes that wait at Mosquitto come onto the disk, and what that costs this process.
func BenchmarkReports(b *testing.B) {
	m := rig.Mosquitto(b, rig.MosquittoOptions{Config: "max_queued_messages 0"})
	kept, err := disk.Open(disk.Options{Path: filepath.Join(b.TempDir(), "reports"), Size: disk.DefaultSize, Sinks: []string{"none"}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer kept.Close()
	o := options(b, m.URL(), "b", nil)
	o.Take = bridge.New(bridge.Options{Spool: kept}).Take
	s, stop := run(b, o)
	connected(b, s)
	stop()
	publishAll(b, m.URL(), b.N)
	before := processor()
	b.ResetTimer()
	s, stop = run(b, o)
	eventually(b, "all are on the disk", func() bool { return s.Stats().Taken >= int64(b.N) })
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "reports/s")
	b.ReportMetric(float64((processor()-before).Microseconds())/float64(b.N), "cpu-µs/report")
	stop()
}

// publishAll has 32 devices publish n reports between them.
func publishAll(b *testing.B, url string, n int) {
	b.Helper()
	payload := append([]byte(`{"pad":"`), make([]byte, 690)...)
	for i := 8; i < len(payload); i++ {
		payload[i] = 'x'
	}
	payload = append(payload, `"}`...)
	bus, err := network.Dial(network.Options{URL: url, ClientID: "devices"})
	if err != nil {
		b.Fatal(err)
	}
	defer bus.Close()
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			for seq := i; seq < n; {
				if bus.Publish(b.Context(), client.Message{Topic: "muster/v1/devices/d/report", Payload: payload, QoS: 1}) == nil {
					seq += 32
				}
			}
		})
	}
	wg.Wait()
}

// processor is how much of it this process has used.
func processor() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
