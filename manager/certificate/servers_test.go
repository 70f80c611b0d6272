package certificate_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"testing"

	"muster/manager/certificate"
	"muster/topics"
)

// shake is a handshake between configurations. It gives what the client knows then, and fails when either end does.
func shake(t *testing.T, server, client *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	done := make(chan error, 1)
	go func() {
		c, err := listener.Accept()
		if err == nil {
			_, err = c.Write([]byte("x")) // after the client's certificate has been judged
			_ = c.Close()
		}
		done <- err
	}()
	c, err := tls.Dial("tcp", listener.Addr().String(), client)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer c.Close()
	_, err = io.ReadFull(c, make([]byte, 1))
	return c.ConnectionState(), errors.Join(err, <-done)
}

func TestWhoIsShownWhichCertificate(t *testing.T) {
	d := &desk{t: t}
	fleet, err := certificate.Issue(d, certificate.IssuedOptions{Names: func() ([]string, error) { return []string{"127.0.0.1"}, nil }})
	if err != nil {
		t.Fatal(err)
	}
	s := newShelf(t)
	given := certificate.Servers{Fleet: fleet}
	shown := func(protocols ...string) *x509.Certificate {
		t.Helper()
		config := given.TLS()
		config.NextProtos = []string{"mqtt"}
		state, err := shake(t, config, &tls.Config{InsecureSkipVerify: true, NextProtos: protocols})
		if err != nil {
			t.Fatal(err)
		}
		return state.PeerCertificates[0]
	}
	own := fleet.Latest().Leaf
	if got := shown(); !got.Equal(own) || !given.Expiry().Equal(own.NotAfter) {
		t.Errorf("without files the certificate is %v", got.SerialNumber)
	}
	file := s.write()
	given.Files = s.load()
	if got := shown(); !got.Equal(file) || !given.Expiry().Equal(file.NotAfter) {
		t.Error("with files the certificate is another one")
	}
	if got := shown("mqtt", topics.FleetProtocol); !got.Equal(own) {
		t.Error("who asks for the fleet's certificate is shown another one")
	}
}

// What a device shows is judged, and must be judged again when its session is resumed: it may be revoked by then.
func TestDevicesAreAskedAndJudged(t *testing.T) {
	d := &desk{t: t}
	pair, err := d.IssueServer(nil, day)
	if err != nil {
		t.Fatal(err)
	}
	var judged int
	var verdict error
	server := certificate.AskDevices(&tls.Config{Certificates: []tls.Certificate{*pair}}, func(chain []*x509.Certificate) error {
		judged++
		if !chain[0].Equal(pair.Leaf) {
			t.Errorf("asked about %v", chain[0].Subject)
		}
		return verdict
	})
	client := &tls.Config{InsecureSkipVerify: true, ClientSessionCache: tls.NewLRUClientSessionCache(1), ServerName: "x"}
	if _, err := shake(t, server, client); err != nil || judged != 0 {
		t.Errorf("without a certificate: %v, judged %d times", err, judged)
	}
	client.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	client.Certificates = []tls.Certificate{*pair}
	for round, resumed := range []bool{false, true} {
		if state, err := shake(t, server, client); err != nil || judged != round+1 || state.DidResume != resumed {
			t.Errorf("round %d: %v, judged %d times, resumed %v", round, err, judged, state.DidResume)
		}
	}
	verdict = errors.New("revoked")
	if state, err := shake(t, server, client); err == nil || judged != 3 {
		t.Errorf("a resumed session of one that is out: %v, judged %d times, resumed %v", err, judged, state.DidResume)
	}
}
