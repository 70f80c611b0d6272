package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"muster/bridge"
	"muster/bridge/spool"
	"muster/broker"
	"muster/manager/store/sqlite"
	"muster/topics"
)

// BenchmarkPuback is how long devices wait for the PUBACK of a report of 700 bytes, which comes when it is on the disk: 1,000
// connections over TCP with MQTT 3.1.1, each with one report at a time, all together at a rate or as fast as they can. A sink
// that takes everything reads along.
func BenchmarkPuback(b *testing.B) {
	for _, rate := range []int{5_000, 10_000, 0} {
		name := fmt.Sprint(rate, " per second")
		if rate == 0 {
			name = "full speed"
		}
		b.Run(name, func(b *testing.B) {
			benchmarkPuback(b, rate, sinkSpec{"shelf", func(string) (bridge.Sink, error) { return &shelf{}, nil }})
		})
	}
}

// BenchmarkStoreLag is the same at 5,000 per second with the store, and how old the oldest report was that the store did not have.
func BenchmarkStoreLag(b *testing.B) {
	log := slog.New(slog.DiscardHandler)
	opened, err := sqlite.Open(b.Context(), sqlite.Options{Path: filepath.Join(b.TempDir(), "muster.db"), Log: log})
	if err != nil {
		b.Fatal(err)
	}
	defer opened.Close()
	benchmarkPuback(b, 5_000, storeSink(opened, log))
}

func benchmarkPuback(b *testing.B, rate int, spec sinkSpec) {
	dir, err := openDataDir(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer dir.close()
	log := slog.New(slog.DiscardHandler)
	bridged, err := openBridging(dir, spoolFlags{spool.DefaultSize}, []sinkSpec{spec}, log)
	if err != nil {
		b.Fatal(err)
	}
	defer bridged.close()
	ctx, stop := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- bridged.Run(ctx) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			b.Error(err)
		}
	}()
	server, err := broker.Listen(broker.Options{
		Root: topics.DefaultRoot, TCPAddr: "127.0.0.1:0", Report: bridged.report, Log: log,
		Authenticate: func(broker.Login) (topics.Subject, error) { return topics.Subject{Role: topics.RoleLocal}, nil },
	})
	if err != nil {
		b.Fatal(err)
	}
	defer server.Close()

	const devices = 1000
	var all sync.WaitGroup
	waits := make([][]time.Duration, devices)
	conns := make([]net.Conn, devices)
	for d := range devices {
		if conns[d], err = dialReporter(server.TCPAddr().String(), d); err != nil {
			b.Fatal(err)
		}
		defer conns[d].Close()
	}
	b.ResetTimer()
	start, cpu := time.Now(), cpuTime()
	for d := range devices {
		all.Go(func() {
			for n := range b.N/devices + 1 {
				began := time.Now()
				if rate > 0 { // the connections take turns; who is late does not shift the others
					due := start.Add(time.Duration(n*devices+d) * time.Second / time.Duration(rate))
					time.Sleep(time.Until(due))
					began = due
				}
				if err := sendReport(conns[d], d, n); err != nil {
					b.Error(err)
					return
				}
				waits[d] = append(waits[d], time.Since(began))
			}
		})
	}
	watching, done := context.WithCancel(ctx)
	lags := make(chan time.Duration)
	go func() { lags <- oldestLag(watching, bridged, spec.name) }()
	all.Wait()
	b.StopTimer()
	done()
	b.ReportMetric((<-lags).Seconds()*1000, "max-lag-ms")
	took := slices.Sorted(slices.Values(slices.Concat(waits...)))
	// The devices' own share included, and the same however busy the machine is.
	b.ReportMetric(float64((cpuTime()-cpu).Microseconds())/float64(len(took)), "cpu-µs/report")
	b.ReportMetric(float64(len(took))/b.Elapsed().Seconds(), "reports/s")
	for _, percent := range []int{50, 99} {
		b.ReportMetric(took[len(took)*percent/100].Seconds()*1000, fmt.Sprintf("p%d-ms", percent))
	}
	b.ReportMetric(0, "ns/op")
}

// cpuTime is what this process has used.
func cpuTime() time.Duration {
	var used syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// oldestLag is the age of the oldest report that the sink did not have, at any moment until ctx ends.
func oldestLag(ctx context.Context, bridged *bridging, sink string) (highest time.Duration) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return highest
		case <-tick.C:
			if oldest := bridged.Stats().Spool.Sinks[sink].Oldest; !oldest.IsZero() {
				highest = max(highest, time.Since(oldest))
			}
		}
	}
}

// dialReporter connects a device with MQTT 3.1.1.
func dialReporter(addr string, d int) (net.Conn, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	id := fmt.Sprintf("d%04d", d)
	connect := append([]byte{0x10, byte(12 + len(id)), 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 0, 0, byte(len(id))}, id...)
	if _, err := c.Write(connect); err != nil {
		return nil, err
	}
	_, err = io.ReadFull(c, make([]byte, 4))
	return c, err
}

// sendReport publishes one with QoS 1 and waits for its PUBACK.
func sendReport(c net.Conn, d, n int) error {
	topic := topics.DefaultRoot.Topic(topics.DeviceReport, fmt.Sprintf("d%04d", d))
	payload := fmt.Sprintf(`{"boot":"b","seq":%d,"pad":"%0650d"}`, n+1, 0)
	id := uint16(n%65535) + 1
	body := binary.BigEndian.AppendUint16(nil, uint16(len(topic)))
	body = binary.BigEndian.AppendUint16(append(body, topic...), id)
	body = append(body, payload...)
	packet := append(binary.AppendUvarint([]byte{0x32}, uint64(len(body))), body...)
	if _, err := c.Write(packet); err != nil {
		return err
	}
	var ack [4]byte
	if _, err := io.ReadFull(c, ack[:]); err != nil {
		return err
	}
	if ack[0] != 0x40 || binary.BigEndian.Uint16(ack[2:]) != id {
		return fmt.Errorf("the answer to %d is % x", id, ack)
	}
	return nil
}
