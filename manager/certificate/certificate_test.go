package certificate_test

import (
	"bytes"
	"crypto/x509"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"muster/manager/certificate"
	"muster/test/rig"
)

const day = 24 * time.Hour

// A shelf is where the files are.
type shelf struct {
	*testing.T
	cert, key string
	log       bytes.Buffer
}

func newShelf(t *testing.T) *shelf {
	dir := t.TempDir()
	return &shelf{T: t, cert: filepath.Join(dir, "cert.pem"), key: filepath.Join(dir, "key.pem")}
}

// write puts a new certificate there, for a day.
func (s *shelf) write() *x509.Certificate {
	s.Helper()
	return rig.WriteCertificate(s, s.cert, s.key, day)
}

func (s *shelf) load() *certificate.Certificate {
	s.Helper()
	c, err := certificate.Load(s.cert, s.key, slog.New(slog.NewTextHandler(&s.log, nil)))
	if err != nil {
		s.Fatal(err)
	}
	return c
}

// serves checks which certificate a handshake gets.
func (s *shelf) serves(c *certificate.Certificate, want *big.Int) {
	s.Helper()
	got, err := c.TLS().GetCertificate(nil)
	if err != nil || got.Leaf.SerialNumber.Cmp(want) != 0 {
		s.Errorf("a handshake gets certificate %v, %v, want %v", got.Leaf.SerialNumber, err, want)
	}
}

func (s *shelf) wantLogged(text string, want int) {
	s.Helper()
	if got := strings.Count(s.log.String(), text); got != want {
		s.Errorf("%q is in the log %d times, want %d:\n%s", text, got, want, &s.log)
	}
}

func TestReplacedFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(t)
		first := rig.WriteCertificate(t, s.cert, s.key, 100*day)
		c := s.load()
		s.serves(c, first.SerialNumber)
		time.Sleep(time.Second) // synctest's time, as below: another serial number
		second := rig.WriteCertificate(t, s.cert, s.key, 200*day)
		s.serves(c, first.SerialNumber) // not looked at yet
		time.Sleep(time.Second)
		s.serves(c, second.SerialNumber)
		if !c.Expiry().Equal(second.NotAfter) {
			t.Errorf("expires %v, want %v", c.Expiry(), second.NotAfter)
		}
		s.wantLogged("certificate replaced", 1)
	})
}

func TestBrokenFilesKeepTheOldCertificate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(t)
		first := rig.WriteCertificate(t, s.cert, s.key, 100*day)
		c := s.load()
		other := newShelf(t)
		time.Sleep(time.Second)
		second := rig.WriteCertificate(t, other.cert, other.key, 100*day)
		for what, broken := range map[string]func() error{
			"half of the pair": func() error { return os.Rename(other.cert, s.cert) },
			"no PEM":           func() error { return os.WriteFile(s.cert, []byte("hello"), 0o600) },
			"no file":          func() error { return os.Remove(s.cert) },
		} {
			s.log.Reset()
			if err := broken(); err != nil && !os.IsNotExist(err) {
				t.Fatal(what, err)
			}
			for range 5 {
				time.Sleep(time.Minute)
				s.serves(c, first.SerialNumber)
			}
			if n := strings.Count(s.log.String(), "the old one stays"); n > 1 {
				t.Errorf("%s is logged %d times", what, n)
			}
		}
		rig.WriteCertificate(t, other.cert, other.key, 100*day)
		if err := os.WriteFile(s.cert, []byte("hello"), 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		s.serves(c, first.SerialNumber)
		time.Sleep(time.Minute)
		third := rig.WriteCertificate(t, s.cert, s.key, 100*day)
		time.Sleep(time.Minute)
		s.serves(c, third.SerialNumber)
		if second.SerialNumber.Cmp(third.SerialNumber) == 0 {
			t.Error("the test's certificates are the same")
		}
	})
}

func TestAnEndThatIsNearIsToldOnceADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(t)
		rig.WriteCertificate(t, s.cert, s.key, 15*day)
		c := s.load()
		s.wantLogged("ends soon", 0)
		for range 3 * 24 {
			time.Sleep(time.Hour)
			c.Expiry()
		}
		s.wantLogged("ends soon", 2)
	})
}

func TestLoadRefuses(t *testing.T) {
	s := newShelf(t)
	rig.WriteCertificate(t, s.cert, s.key, day)
	if _, err := certificate.Load(s.cert, s.cert, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), s.cert) {
		t.Errorf("a certificate for a key: %v", err)
	}
	if _, err := certificate.Load(s.cert, "/nowhere", slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "/nowhere") {
		t.Errorf("no key: %v", err)
	}
}
