package network

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"

	"github.com/eclipse/paho.golang/packets"

	"muster/broker/client"
)

// attempt makes one attempt to connect and returns its failure.
func attempt(t *testing.T, url string, o Options) error {
	t.Helper()
	o.URL, o.ClientID = url, "c"
	o, where, err := o.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := where.open(t.Context(), o.TLS)
	if err != nil {
		return err
	}
	packet, err := o.connectPacket()
	if err != nil {
		t.Fatal(err)
	}
	n, err := connect(t.Context(), raw, packet, func(client.Message) {}, nil)
	if err == nil {
		n.end()
		t.Fatalf("connected to %s", url)
	}
	return err
}

// answering is a server that gives each connection that answer and hangs up.
func answering(t *testing.T, answer []byte) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = packets.ReadPacket(conn)
			_, _ = conn.Write(answer)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	return l.Addr().String()
}

func TestHintsOfRealFailures(t *testing.T) {
	web := httptest.NewUnstartedServer(http.NotFoundHandler())
	webTLS := httptest.NewUnstartedServer(http.NotFoundHandler())
	webTLS.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	web.Config.ErrorLog = webTLS.Config.ErrorLog
	web.Start()
	defer web.Close()
	webTLS.StartTLS()
	defer webTLS.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	_ = l.Close()

	connack := func(code byte) string {
		var answer bytes.Buffer
		p := &packets.Connack{ReasonCode: code, Properties: &packets.Properties{ReasonString: "because"}}
		if _, err := p.WriteTo(&answer); err != nil {
			t.Fatal(err)
		}
		return "mqtt://" + answering(t, answer.Bytes())
	}
	oldConnack := func(code byte) string { return "mqtt://" + answering(t, []byte{0x20, 2, 0, code}) }

	for name, test := range map[string]struct{ url, want string }{
		"nothing listens":                  {"mqtt://" + nobody, "nothing listens there"},
		"nothing listens, WebSocket":       {"ws://" + nobody + "/?token=secret", "nothing listens there"},
		"hangs up":                         {"mqtt://" + answering(t, nil), "is that an MQTT port"},
		"speaks another protocol":          {"mqtt://" + answering(t, []byte("SSH-2.0-x\r\n")), "does not speak MQTT 5"},
		"web server":                       {"mqtt://" + answering(t, []byte("HTTP/1.1 400 Bad Request\r\n\r\n")), "web server on this port"},
		"web server without MQTT":          {"ws://" + web.Listener.Addr().String(), "no MQTT over WebSockets"},
		"TLS on a plain port":              {"mqtts://" + web.Listener.Addr().String(), "no TLS on this port"},
		"plain on a TLS port":              {"mqtt://" + answering(t, []byte{0x15, 3, 1, 0, 2, 2, 70}), "TLS on this port"},
		"unknown authority":                {"mqtts://" + webTLS.Listener.Addr().String(), "CA certificate"},
		"unknown authority, WebSocket":     {"wss://" + webTLS.Listener.Addr().String(), "CA certificate"},
		"MQTT 3.1.1 only":                  {oldConnack(1), "does not speak MQTT 5"},
		"MQTT 3.1.1 only, client id":       {oldConnack(2), "client id"},
		"MQTT 3.1.1 only, not ready":       {oldConnack(3), "not ready"},
		"MQTT 3.1.1 only, bad credentials": {oldConnack(5), "check user name and password"},
		"MQTT 5 refused":                   {connack(0x84), "does not speak MQTT 5"},
		"bad password":                     {connack(0x86), "check user name and password"},
		"not authorized":                   {connack(0x87), "check user name and password"},
		"client id":                        {connack(0x85), "client id"},
		"busy":                             {connack(0x89), "overloaded"},
		"moved":                            {connack(0x9d), "elsewhere"},
	} {
		t.Run(name, func(t *testing.T) {
			err := attempt(t, test.url, Options{Username: "u", Password: []byte("secret")})
			if got := hint(err); !strings.Contains(got, test.want) {
				t.Errorf("the hint for %q is %q, want it to say %q", err, got, test.want)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the error %q tells the password", err)
			}
		})
	}
	if err := attempt(t, connack(0x86), Options{}); !strings.Contains(err.Error(), "bad user name or password") || !strings.Contains(err.Error(), "because") {
		t.Errorf("the error %q does not say what the broker said", err)
	}
}

func TestHints(t *testing.T) {
	for want, err := range map[string]error{
		"no host of that name": &net.OpError{Op: "dial", Err: &net.DNSError{IsNotFound: true}},
		"this machine's DNS":   &net.DNSError{IsTimeout: true},
		"for another name":     x509.HostnameError{Certificate: &x509.Certificate{}, Host: "h"},
		"not valid at this":    x509.CertificateInvalidError{Reason: x509.Expired},
		"not fit for its use":  x509.CertificateInvalidError{Reason: x509.IncompatibleUsage},
		"client certificate":   &net.OpError{Op: "remote error", Err: errors.New("tls: certificate required")},
		"no route":             &net.OpError{Op: "dial", Err: syscall.EHOSTUNREACH},
		"nobody answers":       fmt.Errorf("dial: %w", context.DeadlineExceeded),
		"being stopped":        &disconnectError{reasonError{code: 0x8b}},
	} {
		if got := hint(err); !strings.Contains(got, want) {
			t.Errorf("%v: %q, want it to say %q", err, got, want)
		}
	}
	if got := hint(io.EOF); got != "" {
		t.Errorf("a lost connection has the hint %q", got)
	}
}
