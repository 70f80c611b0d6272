package e2e

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"muster/broker/client"
	"muster/broker/client/network"
	"muster/test/rig"
	"muster/topics"
	"muster/topics/token"
)

// A newcomer is a device that asks for a certificate over MQTT, as a worker does, and does nothing else.
type newcomer struct {
	in     *installation
	name   string
	key    *ecdsa.PrivateKey
	shown  token.Token
	asks   []byte
	issued topics.CertificateReply
}

func (in *installation) newcomer(shown string) *newcomer {
	in.t.Helper()
	n := &newcomer{in: in, name: rig.Name("newcomer")}
	var err error
	if n.shown, err = token.Parse(shown); err != nil {
		in.t.Fatal(err)
	}
	if n.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		in.t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: n.name}}, n.key)
	if err != nil {
		in.t.Fatal(err)
	}
	csr := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
	if n.asks, err = (topics.CertificateRequest{RequestID: n.name, Token: shown, CSR: csr}).Encode(); err != nil {
		in.t.Fatal(err)
	}
	return n
}

// dial connects to the manager, wherever it is by then, and shows the certificate if there is one.
func (n *newcomer) dial(o network.Options, certificates ...tls.Certificate) (client.Client, error) {
	dir := n.in.dataDir()
	ca, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	o.URL, o.ClientID, o.TLS = "mqtts://127.0.0.1:1", n.name, &tls.Config{RootCAs: roots, Certificates: certificates}
	o.Backoff = network.Backoff{Min: 50 * time.Millisecond, Max: 500 * time.Millisecond, Stable: time.Second}
	o.Prepare = func(_ context.Context, o *network.Options, _ error) error {
		addr, err := os.ReadFile(filepath.Join(dir, "mqtts.addr"))
		o.URL = "mqtts://" + strings.TrimSpace(string(addr))
		return err
	}
	return network.Dial(o)
}

// errNoCertificate is that there is no certificate for the device.
var errNoCertificate = errors.New("refused")

// enroll asks again and again, until there is a certificate or a refusal.
func (n *newcomer) enroll(ctx context.Context) (err error) {
	c, err := n.dial(network.Options{Username: token.EnrollUser(n.shown.ID), Password: []byte(n.shown.Secret())})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	replies, again := make(chan client.Message, 100), make(chan struct{}, 1)
	reply := topics.DefaultRoot.Topic(topics.EnrollReply, n.name)
	if err := c.Subscribe(client.Subscription{Filter: reply, QoS: 1, Handler: func(m client.Message) { replies <- m }}); err != nil {
		return err
	}
	ask := func() {
		select {
		case again <- struct{}{}:
		default:
		}
	}
	c.OnUp(ask)
	patiently := time.NewTicker(2 * time.Second) // a request or reply is lost with a manager
	defer patiently.Stop()
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", n.name, ctx.Err())
		case <-patiently.C:
			ask()
		case <-again:
			m := client.Message{Topic: topics.DefaultRoot.Topic(topics.EnrollRequest, n.name), Payload: n.asks, QoS: 1}
			if err := c.Publish(ctx, m); err != nil && !errors.Is(err, client.ErrNotConnected) && ctx.Err() == nil {
				return err
			}
		case m := <-replies:
			got, err := topics.ParseCertificateReply(m.Payload)
			switch {
			case err != nil:
				return err
			case got.State == topics.Issued:
				n.issued = got
				return nil
			case got.State == topics.Refused:
				return fmt.Errorf("%s: %w: %s", n.name, errNoCertificate, got.Error)
			}
		}
	}
}

// login reports whether the manager lets the device in by its certificate.
func (n *newcomer) login(ctx context.Context) (err error) {
	certificate := tls.Certificate{PrivateKey: n.key}
	for block, rest := pem.Decode([]byte(n.issued.Certificate)); block != nil; block, rest = pem.Decode(rest) {
		certificate.Certificate = append(certificate.Certificate, block.Bytes)
	}
	c, err := n.dial(network.Options{}, certificate)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	up := make(chan struct{}, 1)
	c.OnUp(func() {
		select {
		case up <- struct{}{}:
		default:
		}
	})
	select {
	case <-up:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%s is not let in: %w", n.name, ctx.Err())
	}
}

// manyNewcomers are that many, with one token.
func (in *installation) manyNewcomers(t testing.TB, count int, shown string) []*newcomer {
	t.Helper()
	all := make([]*newcomer, count)
	for i := range all {
		all[i] = in.newcomer(shown)
	}
	return all
}
