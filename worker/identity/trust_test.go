package identity_test

import (
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"muster/topics"
	"muster/topics/token"
	"muster/worker/identity"
)

// A device without a clock, which starts years ago each time, judges by what it knows to have passed.
func TestCertificatesAreJudgedWithoutAClock(t *testing.T) {
	const day = 24 * time.Hour
	for name, test := range map[string]struct {
		// built is when the program was, and known what an earlier start learnt.
		built, known time.Time
		from, to     time.Duration
		want         bool
	}{
		"good":                               {from: -day, to: day, want: true},
		"not valid yet: the clock is behind": {from: 300 * day, to: 390 * day, want: true},
		"expired by the clock":               {from: -2 * day, to: -day},
		"expired before the program was":     {built: time.Now().Add(100 * day), from: -day, to: 90 * day},
		"expired before what was seen":       {known: time.Now().Add(100 * day), from: -day, to: 90 * day},
		"good by what was seen":              {known: time.Now().Add(100 * day), from: 50 * day, to: 140 * day, want: true},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAuthority(t, "fleet")
			dir := t.TempDir()
			if !test.known.IsZero() {
				if err := identity.Passed(dir, test.known); err != nil {
					t.Fatal(err)
				}
			}
			server := a.server(time.Now().Add(test.from), time.Now().Add(test.to))
			pinned := token.New(a.pin())
			k := identity.New(identity.Options{Dir: dir, Device: "d", Token: pinned, Built: test.built})
			err := k.Verify("127.0.0.1", server.Leaf, a.cert)
			if (err == nil) != test.want {
				t.Errorf("the verdict is %v", err)
			}
			if test.want {
				if err := k.LetIn(); err != nil {
					t.Fatal(err)
				}
				// What was seen is known from now on, and nothing that was over by then is believed.
				over := a.server(time.Now().Add(test.from-2*day), time.Now().Add(test.from-time.Second))
				if err := identity.New(identity.Options{Dir: dir, Device: "d", Token: pinned}).Verify("127.0.0.1", over.Leaf, a.cert); err == nil {
					t.Error("a certificate is believed that was over when a later one was seen")
				}
			}
		})
	}
}

func TestWhomADeviceBelieves(t *testing.T) {
	a, other := newAuthority(t, "fleet"), newAuthority(t, "fleet")
	good := a.server(time.Now().Add(-time.Hour), time.Now().Add(time.Hour)).Leaf
	given := x509.NewCertPool()
	given.AddCert(a.cert)
	for name, test := range map[string]struct {
		o     identity.Options
		shown []*x509.Certificate
		host  string
		want  bool
	}{
		"the pinned":                    {identity.Options{Token: token.New(a.pin())}, []*x509.Certificate{good, a.cert}, "127.0.0.1", true},
		"the pinned, for another host":  {identity.Options{Token: token.New(a.pin())}, []*x509.Certificate{good, a.cert}, "127.0.0.2", false},
		"the pinned, not shown":         {identity.Options{Token: token.New(a.pin())}, []*x509.Certificate{good}, "127.0.0.1", false},
		"another":                       {identity.Options{Token: token.New(other.pin())}, []*x509.Certificate{good, a.cert}, "127.0.0.1", false},
		"another, shown beside":         {identity.Options{Token: token.New(other.pin())}, []*x509.Certificate{good, a.cert, other.cert}, "127.0.0.1", false},
		"a pin of the server's own key": {identity.Options{Token: token.New(token.PinOf(good.RawSubjectPublicKeyInfo))}, []*x509.Certificate{good, a.cert}, "127.0.0.1", false},
		"the given":                     {identity.Options{Token: token.New(token.Pin{}), Roots: given}, []*x509.Certificate{good}, "127.0.0.1", true},
		"the given, beside a pin":       {identity.Options{Token: token.New(other.pin()), Roots: given}, []*x509.Certificate{good}, "127.0.0.1", true},
		"the system's":                  {identity.Options{Token: token.New(token.Pin{})}, []*x509.Certificate{good, a.cert}, "127.0.0.1", false},
		"nothing shown":                 {identity.Options{Token: token.New(a.pin())}, nil, "127.0.0.1", false},
	} {
		test.o.Dir, test.o.Device = t.TempDir(), "d"
		if err := identity.New(test.o).Verify(test.host, test.shown...); (err == nil) != test.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Only what is this device's identity becomes it; else all stays as it was.
func TestNonsenseIsNotAccepted(t *testing.T) {
	m, d := enrolled(t, time.Hour)
	before, err := os.ReadFile(filepath.Join(d.dir, "identity.json"))
	if err != nil {
		t.Fatal(err)
	}
	_, key := m.keyOf(m.asked()[0])
	stranger := newAuthority(t, "fleet")
	now, later := time.Now(), time.Now().Add(time.Hour)
	for name, change := range map[string]func(*topics.CertificateReply){
		"another key": func(r *topics.CertificateReply) {
			r.Certificate = encode(m.authority.device("d", &newKey(t).PublicKey, now, later))
		},
		"another device":      func(r *topics.CertificateReply) { r.Certificate = encode(m.authority.device("e", key, now, later)) },
		"another authority's": func(r *topics.CertificateReply) { r.Certificate = encode(stranger.device("d", key, now, later)) },
		"a server's": func(r *topics.CertificateReply) {
			r.Certificate = encode(m.authority.device("d", key, now, later, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }))
		},
		"no certificate": func(r *topics.CertificateReply) { r.Certificate = "nonsense" },
		"no authorities": func(r *topics.CertificateReply) { r.Authorities = "nonsense" },
		"no broker":      func(r *topics.CertificateReply) { r.BrokerURL = "http://manager" },
		"a key among theirs": func(r *topics.CertificateReply) {
			r.Authorities += "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
		},
	} {
		m.always(change)
		if err := d.Renew(within(t), m.url()); err == nil {
			t.Errorf("%s: accepted", name)
		}
		after, err := os.ReadFile(filepath.Join(d.dir, "identity.json"))
		if err != nil || string(after) != string(before) {
			t.Fatalf("%s: the identity was changed (%v)", name, err)
		}
	}
}

func TestDamageOnTheDisk(t *testing.T) {
	for name, damage := range map[string]func(dir string) error{
		"half an identity": func(dir string) error { return os.Truncate(filepath.Join(dir, "identity.json"), 100) },
		"no key":           func(dir string) error { return os.Remove(filepath.Join(dir, "identity-key.pem")) },
		"half a key":       func(dir string) error { return os.Truncate(filepath.Join(dir, "identity-key.pem"), 100) },
	} {
		t.Run(name, func(t *testing.T) {
			m, d := enrolled(t, time.Hour)
			if err := damage(d.dir); err != nil {
				t.Fatal(err)
			}
			if _, err := identity.Load(d.dir); err == nil || errors.Is(err, os.ErrNotExist) {
				t.Fatalf("it is read: %v", err)
			}
			again := m.device(d.dir, func(o *identity.Options) { o.Token = token.Token{} })
			if err := again.Enroll(within(t)); err == nil || !strings.Contains(err.Error(), "no enrollment token") {
				t.Errorf("without a token: %v", err)
			}
		})
	}
	m, d := enrolled(t, time.Hour)
	_, before := m.keyOf(m.asked()[0])
	if err := os.Truncate(filepath.Join(d.dir, "identity.json"), 0); err != nil {
		t.Fatal(err)
	}
	if err := m.device(d.dir).Enroll(within(t)); err != nil {
		t.Fatal(err)
	}
	if _, after := m.keyOf(m.asked()[1]); !before.Equal(after) {
		t.Error("a device that has its key still asks with another")
	}
}
