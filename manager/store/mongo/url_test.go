package mongo

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
)

// TestErrorsKeepThePassword has URLs that are wrong in every way, each with the password in it.
func TestErrorsKeepThePassword(t *testing.T) {
	for name, url := range map[string]string{
		"no scheme":               "user:s3cret@host",
		"another scheme":          "http://user:s3cret@host",
		"no host":                 "mongodb://user:s3cret@",
		"host forgotten":          "mongodb://user:s3cret",
		"host forgotten, options": "mongodb://user:s3cret/?tls=true",
		"host forgotten, slash":   "mongodb://user:pass/s3cret",
		"host forgotten, query":   "mongodb://user:pass?s3cret",
		"host forgotten, at sign": "mongodb://user:p@ss:s3cret",
		"host forgotten, percent": "mongodb://user:s3cret%zz",
		"host forgotten, bracket": "mongodb://user:[s3cret",
		"host forgotten, SRV":     "mongodb+srv://user:s3cret",
		"large number for a port": "mongodb://user:s3cret@host:70000",
		"database":                "mongodb://user:s3cret@host/%zz",
		"secret option":           "mongodb://user@host/?tlsCertificateKeyFilePassword=s3cret%zz",
		"port":                    "mongodb://user:s3cret@host:port",
		"option":                  "mongodb://user:s3cret@host/?tls=perhaps",
		"at sign":                 "mongodb://user:s3cret@2@host",
		"slash":                   "mongodb://user:s3cret/2@host",
		"colon":                   "mongodb://user:s3cret:2@host",
		"percent":                 "mongodb://user:s3cret%zz@host",
		"options that contradict": "mongodb://user:s3cret@host,other/?directConnection=true",
		"admin":                   "mongodb://user:s3cret@host/admin",
		"nobody there":            "mongodb://user:s3cret@127.0.0.1:1/?serverSelectionTimeoutMS=10",
	} {
		var log bytes.Buffer
		_, err := Open(t.Context(), Options{URL: url, Log: slog.New(slog.NewTextHandler(&log, nil))})
		if err == nil {
			t.Errorf("%s: %s was accepted", name, url)
			continue
		}
		if said := err.Error() + log.String(); strings.Contains(said, "3cret") || strings.Contains(said, "%zz") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: the error shows the password, or has more than one line: %v %s", name, err, &log)
		}
		if !strings.HasPrefix(err.Error(), "mongo-url: ") && !strings.HasPrefix(err.Error(), "store mongodb://127.0.0.1:1/nebula: ") {
			t.Errorf("%s: the error does not say what it is about: %v", name, err)
		}
	}
}

// TestNumberForAPassword has DNS asked for a host whose port, which there is none of with SRV, is a password.
func TestNumberForAPassword(t *testing.T) {
	dns := errors.New("lookup _mongodb._tcp.user:53333: no such host")
	if err := urlError("mongodb+srv://user:53333", dns); strings.Contains(err.Error(), "53333") {
		t.Errorf("the error shows the password: %v", err)
	}
	if err := urlError("mongodb+srv://user:p@host", dns); !errors.Is(err, dns) {
		t.Errorf("what is wrong with DNS is not said: %v", err)
	}
}

// TestGuaranteesAreNotTheURLs has a URL ask for less than what is promised.
func TestGuaranteesAreNotTheURLs(t *testing.T) {
	var log bytes.Buffer
	o, at, err := parseURL("mongodb://u:p@a:1,b:2/db?readPreference=secondary&w=1&journal=false&readConcernLevel=local", "", slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if o.ReadPreference.Mode() != readpref.PrimaryMode || o.ReadConcern.Level != "majority" || o.WriteConcern.W != "majority" || !*o.WriteConcern.Journal {
		t.Errorf("got %v, %v, %v", o.ReadPreference, o.ReadConcern, o.WriteConcern)
	}
	for _, option := range []string{"readPreference", "readConcernLevel", "option=w", "journal"} {
		if !strings.Contains(log.String(), option) {
			t.Errorf("nothing is said about %s:\n%s", option, &log)
		}
	}
	if at.String() != "mongodb://a:1,b:2/db" {
		t.Errorf("the address is %s", at)
	}
	log.Reset()
	if _, _, err := parseURL("mongodb://a/?w=majority&readPreference=primary&journal=true&readConcernLevel=majority", "", slog.New(slog.NewTextHandler(&log, nil))); err != nil || log.Len() > 0 {
		t.Errorf("got %v, and %s", err, &log)
	}
}
