package broker

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// BenchmarkConnect measures a connection from TCP to CONNACK, and its end. Clients are in the same process.
func BenchmarkConnect(b *testing.B) {
	pki := newPKI(b)
	s := listen(b, func(o *Options) { o.TCPAddr, o.TLSAddr, o.TLS, o.Log = "127.0.0.1:0", "127.0.0.1:0", pki.server, nil })
	full := pki.client.Clone()
	full.MinVersion = tls.VersionTLS13
	resumed := full.Clone()
	resumed.ServerName, resumed.ClientSessionCache = "127.0.0.1", tls.NewLRUClientSessionCache(1)
	var names atomic.Int64
	for _, bb := range []struct {
		name   string
		config *tls.Config
	}{{"plain", nil}, {"mutual", full}, {"mutual-resumed", resumed}} {
		b.Run(bb.name, func(b *testing.B) {
			before := processorTime()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					nc, err := dialAs(fmt.Sprint("d", names.Add(1)), s, bb.config)
					if err != nil {
						b.Error(err)
						return
					}
					_ = nc.Close()
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "connects/s")
			// Unlike the rate this says something on a machine that does other things as well.
			b.ReportMetric(float64((processorTime()-before).Microseconds())/float64(b.N), "processor-µs/connect")
		})
	}
}

// processorTime is what this process has used.
func processorTime() time.Duration {
	var used syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &used) // it has no way to fail with these arguments
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// dialAs is a connection that has been let in, without TLS when there is no config.
func dialAs(name string, s *Server, config *tls.Config) (net.Conn, error) {
	addr := s.TCPAddr()
	if config != nil {
		addr = s.TLSAddr()
	}
	return dialConnected(name, addr.String(), config)
}

func dialConnected(name, addr string, config *tls.Config) (nc net.Conn, err error) {
	if config == nil {
		nc, err = net.Dial("tcp", addr)
	} else {
		nc, err = tls.Dial("tcp", addr, config)
	}
	if err != nil {
		return nil, err
	}
	connect := fmt.Sprintf("\x00\x04MQTT\x04\xc2\x00\x00\x00%c%s\x00%c%s\x00\x06secret", len(name), name, len(name), name)
	if _, err := nc.Write(append([]byte{0x10, byte(len(connect))}, connect...)); err != nil {
		return nil, err
	}
	answer := make([]byte, 4)
	if _, err := io.ReadFull(nc, answer); err != nil || answer[3] != 0 {
		return nil, fmt.Errorf("CONNECT is answered with % x, %w", answer, err)
	}
	return nc, nil
}

// The environment of TestMain's process that makes it hold connections: how many, where, and the certificate to show.
const (
	holdAddr  = "MUSTER_TEST_HOLD"
	holdCount = 5000
	holdPEM   = "MUSTER_TEST_HOLD_PEM"
)

// hold connects to the address, says so, and stays until its standard input ends.
func hold(addr string) error {
	var config *tls.Config
	if text := os.Getenv(holdPEM); text != "" {
		pair, err := tls.X509KeyPair([]byte(text), []byte(text))
		if err != nil {
			return err
		}
		config = &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{pair}} // it proves nothing here
	}
	held := make([]net.Conn, holdCount)
	var group errgroup.Group
	group.SetLimit(32)
	for i := range held {
		group.Go(func() (err error) {
			held[i], err = dialConnected(fmt.Sprint("d", i), addr, config)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	fmt.Println("held")
	_, err := io.Copy(io.Discard, os.Stdin)
	runtime.KeepAlive(held)
	return err
}

// BenchmarkConnectionMemory measures the memory of idle connections; clients are in another process.
func BenchmarkConnectionMemory(b *testing.B) {
	pki := newPKI(b)
	pair := pki.client.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		b.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]})) + string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
	for name, shown := range map[string]string{"plain": "", "mutual": text} {
		b.Run(name, func(b *testing.B) {
			s := listen(b, func(o *Options) { o.TCPAddr, o.TLSAddr, o.TLS, o.Log = "127.0.0.1:0", "127.0.0.1:0", pki.server, nil })
			addr := s.TCPAddr().String()
			if shown != "" {
				addr = s.TLSAddr().String()
			}
			before := used()
			for b.Loop() {
				cmd := exec.Command(os.Args[0])
				cmd.Env = append(os.Environ(), holdAddr+"="+addr, holdPEM+"="+shown)
				cmd.Stderr = os.Stderr
				stdin, err1 := cmd.StdinPipe()
				stdout, err2 := cmd.StdoutPipe()
				if err1 != nil || err2 != nil || cmd.Start() != nil {
					b.Fatal("no clients", err1, err2)
				}
				if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil || strings.TrimSpace(line) != "held" {
					b.Fatalf("clients: %q, %v", line, err)
				}
				b.ReportMetric(float64(used()-before)/holdCount/1024, "KiB/connection")
				_ = stdin.Close()
				_ = cmd.Wait()
			}
		})
	}
}

// used is the heap and the stacks that are in use.
func used() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}
