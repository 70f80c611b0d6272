package certificate_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"muster/manager/certificate"
	"muster/test/rig"
)

// A desk issues certificates of which only the serial number counts here, and writes down for whom.
type desk struct {
	t       *testing.T
	mu      sync.Mutex
	names   []string
	roots   string
	changed chan struct{}
	fails   error
	issued  []string
}

// change alters what the desk knows.
func (d *desk) change(change func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change()
}

func (d *desk) Names() ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.names, nil
}

func (d *desk) Roots() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.roots
}

func (d *desk) Changed() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.changed
}

func (d *desk) IssueServer(names []string, life time.Duration) (*tls.Certificate, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fails != nil {
		return nil, d.fails
	}
	d.issued = append(d.issued, fmt.Sprint(names))
	dir := d.t.TempDir()
	cert, key := filepath.Join(dir, "cert"), filepath.Join(dir, "key")
	rig.WriteCertificate(d.t, cert, key, life)
	pair, err := tls.LoadX509KeyPair(cert, key)
	return &pair, err
}

func TestWhenACertificateIsIssued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{t: t, names: []string{"a"}, roots: "one", changed: make(chan struct{})}
		told := []string{}
		var log bytes.Buffer
		issued, err := certificate.Issue(d, certificate.IssuedOptions{
			Names: d.Names, Life: 30 * day, Every: time.Minute, Log: slog.New(slog.NewTextHandler(&log, nil)),
			Roots: func(pem string) error { told = append(told, pem); return nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		go issued.Run(t.Context())
		seen := issued.Latest()
		next := func(what string, wait time.Duration, want bool) {
			t.Helper()
			time.Sleep(wait)
			synctest.Wait()
			if replaced := issued.Latest() != seen; replaced != want {
				t.Errorf("%s: another certificate is %v, want %v", what, replaced, want)
			}
			seen = issued.Latest()
		}
		next("shortly before two thirds", 20*day-time.Minute, false)
		next("at two thirds", 2*time.Minute, true)
		next("nothing new", day, false)
		d.change(func() { d.names = []string{"a", "b"} })
		next("another address", 2*time.Minute, true)
		d.change(func() {
			d.roots = "one two"
			close(d.changed)
			d.changed = make(chan struct{})
		})
		next("another authority", 0, true)
		d.change(func() { d.fails, d.names = errors.New("no store"), []string{"c"} })
		next("it fails", time.Hour, false)
		if n := strings.Count(log.String(), "no store"); n != 1 {
			t.Errorf("an hour of failures is logged %d times, want once:\n%s", n, &log)
		}
		d.change(func() { d.fails = nil })
		next("it works again", 2*time.Minute, true)
		if want := []string{"[a]", "[a]", "[a b]", "[a b]", "[c]"}; !slices.Equal(d.issued, want) {
			t.Errorf("issued for %v, want %v", d.issued, want)
		}
		if want := []string{"one", "one two"}; !slices.Equal(told, want) {
			t.Errorf("told of the roots %q, want %q", told, want)
		}
	})
}

// A full disk keeps those on this machine from hearing of an authority for a while, and nobody else: the certificate is there at once,
// and is not made again with each attempt.
func TestACertificateOnAFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{t: t, names: []string{"a"}, roots: "one", changed: make(chan struct{})}
		var full error
		told := ""
		issued, err := certificate.Issue(d, certificate.IssuedOptions{Names: d.Names, Life: 30 * day, Every: time.Minute, Roots: func(pem string) error {
			d.mu.Lock()
			defer d.mu.Unlock()
			if full == nil {
				told = pem
			}
			return full
		}})
		if err != nil {
			t.Fatal(err)
		}
		go issued.Run(t.Context())
		seen := issued.Latest()
		d.change(func() {
			full, d.roots = errors.New("no space left on device"), "one two"
			close(d.changed)
			d.changed = make(chan struct{})
		})
		synctest.Wait()
		if issued.Latest() == seen {
			t.Error("the certificate is still the old authority's")
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		d.change(func() {
			full = nil
			if len(d.issued) != 2 || told != "one" {
				t.Errorf("within an hour %d certificates were issued, want 2; told of the roots %q", len(d.issued), told)
			}
		})
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		d.change(func() {
			if len(d.issued) != 2 || told != "one two" {
				t.Errorf("with space again %d certificates were issued, want 2; told of the roots %q", len(d.issued), told)
			}
		})
	})
}

func TestTheFirstCertificateFails(t *testing.T) {
	none := func() ([]string, error) { return nil, errors.New("no names") }
	some := func() ([]string, error) { return []string{"a"}, nil }
	for want, o := range map[string]certificate.IssuedOptions{
		"no names": {Names: none},
		"no store": {Names: some},
	} {
		if _, err := certificate.Issue(&desk{t: t, fails: errors.New("no store")}, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	full := certificate.IssuedOptions{Names: some, Roots: func(string) error { return errors.New("disk full") }}
	if _, err := certificate.Issue(&desk{t: t, roots: "x"}, full); err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("roots that cannot be written: %v", err)
	}
}
