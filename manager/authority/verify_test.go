package authority_test

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"testing"
	"time"

	"muster/manager/authority"
)

// forge signs a certificate.
func forge(t *testing.T, template, parent *x509.Certificate, publicKey any, key *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, publicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func TestVerify(t *testing.T) {
	r := newRig(t)
	fleet := r.open()
	old := r.device(fleet, "old")
	r.roll(fleet)
	good := r.device(fleet, "d-1")
	r.roll(fleet)
	retired := r.device(fleet, "retired")
	r.roll(fleet)
	_, err := fleet.Retire(t.Context(), "3", true)
	r.must(err)
	server, err := fleet.IssueServer([]string{"d-1"}, life)
	r.must(err)
	stranger := newRig(t).open()
	root := certificates(t, fleet.List()[0].Certificate)[0]
	selfKey := newKey(t)
	self := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "d-1"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(life),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	selfSigned := forge(t, self, self, selfKey.Public(), selfKey)
	// An authority of the same name, but with another key.
	likeRoot := *root
	likeRoot.SerialNumber, likeRoot.PublicKey = big.NewInt(2), selfKey.Public()
	forged := forge(t, self, forge(t, &likeRoot, &likeRoot, selfKey.Public(), selfKey), selfKey.Public(), selfKey)
	// A device that issues for another.
	byDevice := forge(t, self, good.chain[0], selfKey.Public(), good.key)

	now, end := time.Now(), good.chain[0].NotAfter
	for name, test := range map[string]struct {
		chain   []*x509.Certificate
		at      time.Time
		device  string
		expired bool
		err     error
	}{
		"good":                           {good.chain, now, "d-1", false, nil},
		"good, and nothing else":         {good.chain[:1], now, "d-1", false, nil},
		"of an older authority":          {old.chain, now, "old", false, nil},
		"by a clock an hour behind":      {good.chain, now.Add(-59 * time.Minute), "d-1", false, nil},
		"not begun":                      {good.chain, now.Add(-2 * time.Hour), "", false, authority.ErrNotADevice},
		"just before its end":            {good.chain, end.Add(-time.Second), "d-1", false, nil},
		"just after its end":             {good.chain, end.Add(time.Second), "d-1", true, nil},
		"at the end of the grace":        {good.chain, end.Add(grace), "d-1", true, nil},
		"after the grace":                {good.chain, end.Add(grace + time.Second), "", false, authority.ErrExpired},
		"none":                           {nil, now, "", false, authority.ErrNoCertificate},
		"of a retired authority":         {retired.chain, now, "", false, authority.ErrRetired},
		"of a retired one, expired":      {retired.chain, end.Add(day), "", false, authority.ErrRetired},
		"another fleet's":                {r.device(stranger, "d-1").chain, now, "", false, authority.ErrUnknownIssuer},
		"self-signed":                    {[]*x509.Certificate{selfSigned}, now, "", false, authority.ErrUnknownIssuer},
		"self-signed, with a good chain": {append([]*x509.Certificate{selfSigned}, good.chain...), now, "", false, authority.ErrUnknownIssuer},
		"of an authority's name":         {[]*x509.Certificate{forged}, now, "", false, authority.ErrUnknownIssuer},
		"forged, expired":                {[]*x509.Certificate{forged}, end.Add(day), "", false, authority.ErrUnknownIssuer},
		"issued by a device":             {append([]*x509.Certificate{byDevice}, good.chain...), now, "", false, authority.ErrUnknownIssuer},
		"a server's":                     {[]*x509.Certificate{server.Leaf}, now, "", false, authority.ErrNotADevice},
		"an authority's":                 {[]*x509.Certificate{root}, now, "", false, authority.ErrNotADevice},
		"an authority's cross one":       {certificates(t, fleet.List()[1].Cross), now, "", false, authority.ErrNotADevice},
	} {
		device, expired, err := fleet.Verify(test.chain, test.at, grace)
		if device != test.device || expired != test.expired || !errors.Is(err, test.err) {
			t.Errorf("%s: %q, %v, %v; want %q, %v, %v", name, device, expired, err, test.device, test.expired, test.err)
		}
	}
	if _, _, err := fleet.Verify(good.chain, end.Add(time.Second), 0); !errors.Is(err, authority.ErrExpired) {
		t.Errorf("without grace: %v", err)
	}
}

// A device that has its key and certificate is still no server: nobody takes it for a manager.
func TestADevicesCertificateIsNoServers(t *testing.T) {
	r := newRig(t)
	fleet := r.open()
	d := r.device(fleet, "manager")
	pair := d.tls()
	if _, err, _ := handshake(t, &pair, pool(certificates(t, fleet.Roots())...)); err == nil {
		t.Error("a client takes a device for a server")
	}
	_, err := d.chain[0].Verify(x509.VerifyOptions{Roots: pool(certificates(t, fleet.Roots())...)})
	if incompatible, ok := errors.AsType[x509.CertificateInvalidError](err); !ok || incompatible.Reason != x509.IncompatibleUsage {
		t.Errorf("got %v, want that it is not for servers", err)
	}
}

// What comes out of a real handshake is what Verify takes.
func TestADeviceInAHandshake(t *testing.T) {
	r := newRig(t)
	fleet := r.open()
	d := r.device(fleet, "d-1")
	r.roll(fleet)
	server, err := fleet.IssueServer([]string{"127.0.0.1"}, life)
	r.must(err)
	shown, clientErr, serverErr := handshake(t, server, pool(certificates(t, fleet.Roots())...), d.tls())
	r.must(errors.Join(clientErr, serverErr))
	if device, expired, err := fleet.Verify(shown, time.Now(), 0); device != "d-1" || expired || err != nil {
		t.Errorf("%q, %v, %v", device, expired, err)
	}
}
