// Command pebble is an ACME server for tests: Let's Encrypt's own, embedded. The first line that it prints is its address; it runs
// until its standard input ends. Every host name is 127.0.0.1 to it.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	"github.com/miekg/dns"
)

func main() {
	tlsPort := flag.Int("tls-port", 443, "`port` that is asked for the challenge tls-alpn-01")
	httpPort := flag.Int("http-port", 80, "`port` that is asked for the challenge http-01")
	certFile := flag.String("cert-file", "", "PEM `file` with this server's certificate")
	keyFile := flag.String("key-file", "", "PEM `file` with its key")
	life := flag.Duration("life", 90*24*time.Hour, "how long the certificates last that it issues")
	flag.Parse()
	if err := run(*tlsPort, *httpPort, *certFile, *keyFile, *life); err != nil {
		fmt.Fprintln(os.Stderr, "pebble:", err)
		os.Exit(1)
	}
}

func run(tlsPort, httpPort int, certFile, keyFile string, life time.Duration) error {
	// By default it waits for seconds before each challenge and refuses one request in twenty, for the sake of others' tests.
	for name, value := range map[string]string{"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"} {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	names, err := resolver()
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	quiet := slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	store := db.NewMemoryStore()
	profiles := map[string]ca.Profile{"default": {Description: "the only one", ValidityPeriod: uint64(life / time.Second)}}
	authority := ca.New(quiet, store, "", "ecdsa", 0, 1, profiles)
	front := wfe.New(quiet, store, va.New(quiet, httpPort, tlsPort, false, names, store), authority, []string{"pebble.invalid"}, false, false, 1, 1)
	mux := http.NewServeMux()
	mux.Handle("/", front.Handler())
	// The authority's own certificates: /roots/0.
	mux.Handle("/roots/", front.ManagementHandler())
	failed := make(chan error, 1)
	go func() {
		server := http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
		failed <- server.ServeTLS(listener, certFile, keyFile)
	}()
	if _, err := fmt.Println(listener.Addr()); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, os.Stdin)
		ended <- err
	}()
	select {
	case err := <-failed:
		return errors.Join(errors.New("it does not serve any more"), err)
	case err := <-ended:
		return err
	}
}

// resolver is a DNS server for which every name is 127.0.0.1, and gives its address.
func resolver() (addr string, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &dns.Server{Listener: listener, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, question *dns.Msg) {
		answer := new(dns.Msg).SetReply(question)
		for _, q := range question.Question {
			if q.Qtype == dns.TypeA {
				answer.Answer = append(answer.Answer, &dns.A{Hdr: dns.RR_Header{Name: q.Name, Rrtype: dns.TypeA, Class: dns.ClassINET}, A: net.IPv4(127, 0, 0, 1)})
			}
		}
		_ = w.WriteMsg(answer) // who does not get it asks again
	})}
	go func() { _ = server.ActivateAndServe() }() // as long as the process lives
	return listener.Addr().String(), nil
}
