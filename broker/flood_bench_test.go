package broker

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"

	"muster/topics"
)

// floodAddr is the environment variable that makes TestMain's process a flood of handshakes at that address.
const floodAddr = "MUSTER_TEST_FLOOD"

func TestMain(m *testing.M) {
	if addr := os.Getenv(floodAddr); addr != "" {
		flood(addr)
		return
	}
	if addr := os.Getenv(holdAddr); addr != "" {
		if err := hold(addr); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// flood does handshakes, 200 at a time, until it is killed.
func flood(addr string) {
	fmt.Println("flooding")
	for range 199 {
		go handshakes(addr)
	}
	handshakes(addr)
}

func handshakes(addr string) {
	for {
		// It is an attacker's to believe anybody.
		nc, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13})
		if err == nil {
			_ = nc.Close()
		}
	}
}

// BenchmarkHandshakeFlood measures how long connected devices wait for acknowledgements, alone, while another process floods the broker with TLS
// handshakes, and while handshakes do not take turns.
func BenchmarkHandshakeFlood(b *testing.B) {
	for _, bb := range []struct {
		name         string
		flood, paced bool
	}{{"quiet", false, true}, {"flood", true, true}, {"flood-without-turns", true, false}} {
		b.Run(bb.name, func(b *testing.B) {
			pki := newPKI(b)
			s := listen(b, func(o *Options) { o.TLSAddr, o.TLS, o.Log = "127.0.0.1:0", pki.server, nil })
			if !bb.paced {
				s.turns = make(chan struct{}, 1<<20)
			}
			const devices = 20
			var wires []*wire
			for i := range devices {
				nc, err := tls.Dial("tcp", s.TLSAddr().String(), pki.client)
				if err != nil {
					b.Fatal(err)
				}
				name := fmt.Sprint("d", i)
				wires = append(wires, newWire(b, nc, 5).mustConnect(name, as(name)))
			}
			if bb.flood {
				startFlood(b, s.TLSAddr().String())
			}
			var took []time.Duration
			var mu sync.Mutex
			var left atomic.Int64
			left.Store(int64(b.N))
			b.ResetTimer()
			var all sync.WaitGroup
			for i, w := range wires {
				all.Go(func() {
					for left.Add(-1) >= 0 {
						time.Sleep(100 * time.Millisecond) // 200 check-ins a second in all
						start := time.Now()
						w.send(publishPacket(device(topics.DeviceCheckin, fmt.Sprint("d", i)), "x", 1, false))
						w.want(packets.Puback)
						mu.Lock()
						took = append(took, time.Since(start))
						mu.Unlock()
					}
				})
			}
			all.Wait()
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
		})
	}
}

func startFlood(b *testing.B, addr string) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), floodAddr+"="+addr)
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		b.Fatal(err)
	}
	time.Sleep(time.Second) // until it is at full speed: this is a benchmark
}
