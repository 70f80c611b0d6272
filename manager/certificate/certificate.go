// Package certificate serves TLS with a certificate from files, and follows those files: who renews certificates need
// not restart anything, and no connection ends.
package certificate

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

const (
	// checkEvery is how often the files are looked at, at most, and only when somebody connects or asks for the expiry.
	checkEvery = 2 * time.Second
	// warnBefore is how long before its end a certificate is worth a warning, and warnEvery how often.
	warnBefore = 14 * 24 * time.Hour
	warnEvery  = 24 * time.Hour
)

// A Certificate is what two PEM files hold. It is made by [Load] and safe for concurrent use.
type Certificate struct {
	certFile, keyFile string
	log               *slog.Logger

	mu      sync.Mutex
	checked time.Time
	warned  time.Time
	tried   content // what was last read, of use or not
	failure string  // the last one, as logged
	current *tls.Certificate
}

// A content is that of both files.
type content struct{ cert, key []byte }

func (c content) equal(d content) bool {
	return bytes.Equal(c.cert, d.cert) && bytes.Equal(c.key, d.key)
}

// Load reads the PEM files of a certificate, with those it was issued by, and its key.
func Load(certFile, keyFile string, log *slog.Logger) (*Certificate, error) {
	c := &Certificate{certFile: certFile, keyFile: keyFile, log: log}
	if err := c.load(); err != nil {
		return nil, err
	}
	c.checked = time.Now()
	c.warn(c.checked)
	return c, nil
}

// TLS is a configuration for servers, TLS 1.2 at least, whose handshakes have the certificate of the time.
func (c *Certificate) TLS() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.latest(), nil },
	}
}

// Expiry is when the certificate ends.
func (c *Certificate) Expiry() time.Time { return c.latest().Leaf.NotAfter }

// latest looks at the files when that was not done a moment ago. What cannot be used in them leaves the certificate as
// it is.
func (c *Certificate) latest() *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if now.Sub(c.checked) < checkEvery {
		return c.current
	}
	c.checked = now
	before := c.current
	switch err := c.load(); {
	case err != nil && err.Error() != c.failure:
		c.failure = err.Error()
		c.log.Error("the new TLS certificate cannot be used, the old one stays", "error", err)
	case err == nil && c.current != before:
		c.warned = time.Time{}
		c.log.Info("TLS certificate replaced", "expires", c.current.Leaf.NotAfter)
	}
	c.warn(now)
	return c.current
}

// load takes over what the files hold, if that is not what they held before.
func (c *Certificate) load() error {
	cert, certErr := os.ReadFile(c.certFile)
	key, keyErr := os.ReadFile(c.keyFile)
	if err := cmp.Or(certErr, keyErr); err != nil {
		return err
	}
	read := content{cert, key}
	if c.current != nil && read.equal(c.tried) {
		return nil
	}
	c.tried = read
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return fmt.Errorf("%s and %s: %w", c.certFile, c.keyFile, err)
	}
	c.current, c.failure = &pair, ""
	return nil
}

func (c *Certificate) warn(now time.Time) {
	if left := c.current.Leaf.NotAfter.Sub(now); left < warnBefore && now.Sub(c.warned) >= warnEvery {
		c.warned = now
		c.log.Warn("the TLS certificate ends soon or has ended", "file", c.certFile, "expires", c.current.Leaf.NotAfter, "left", left.Round(time.Minute))
	}
}
