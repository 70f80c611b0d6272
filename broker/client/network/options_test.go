package network

import (
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestParseURL(t *testing.T) {
	for in, want := range map[string]string{
		"mqtt://host":                   "mqtt://host:1883",
		"MQTT://host:99/":               "mqtt://host:99",
		"tcp://host":                    "mqtt://host:1883",
		"mqtts://host":                  "mqtts://host:8883",
		"ssl://host":                    "mqtts://host:8883",
		"tls://host":                    "mqtts://host:8883",
		"ws://host":                     "ws://host:80/mqtt",
		"wss://host/":                   "wss://host:443/mqtt",
		"wss://host/a/b?token=secret":   "wss://host:443/a/b",
		"mqtt://[::1]:1884":             "mqtt://[::1]:1884",
		"mqtt://u:secret@host":          "mqtt://host:1883",
		"mqtts://u:s%2Fe%40cret@host:1": "mqtts://host:1",
	} {
		e, err := parseURL(in)
		if err != nil {
			t.Errorf("%s: %v", in, err)
		} else if e.String() != want {
			t.Errorf("%s: %s, want %s", in, e, want)
		}
	}
	e, err := parseURL("mqtts://us%40er:s%2Fe%40cret@host:1")
	if err != nil || e.username != "us@er" || e.password != "s/e@cret" {
		t.Errorf("credentials are %q and %q, %v", e.username, e.password, err)
	}
	if e, err := parseURL("wss://host/p?token=x"); err != nil || e.query != "token=x" {
		t.Errorf("the query is %q, %v", e.query, err)
	}
}

func TestWrongOptions(t *testing.T) {
	for name, test := range map[string]struct {
		o    Options
		want string
	}{
		"no URL":           {Options{}, "must not be empty"},
		"no scheme":        {Options{URL: "host:1883"}, `must start with mqtt://`},
		"only an address":  {Options{URL: "10.0.0.1:1883"}, "cannot be parsed"},
		"other scheme":     {Options{URL: "http://u:secret@host"}, `starts with "http"`},
		"no host":          {Options{URL: "mqtt://:1883"}, "has no host"},
		"port too large":   {Options{URL: "mqtt://host:70000"}, "port"},
		"port is a word":   {Options{URL: "mqtt://u:secret"}, "cannot be parsed"},
		"path":             {Options{URL: "mqtt://u:p/secret@host"}, "cannot be parsed"},
		"path after all":   {Options{URL: "mqtt://host/secret"}, "nothing may follow"},
		"query":            {Options{URL: "mqtts://host?secret"}, "nothing may follow"},
		"fragment":         {Options{URL: "wss://host#secret"}, "nothing may follow"},
		"no client id":     {Options{URL: "mqtt://host"}, "client id"},
		"long client id":   {Options{URL: "mqtt://host", ClientID: strings.Repeat("x", 70000)}, "client id"},
		"keep-alive":       {Options{URL: "mqtt://host", ClientID: "c", KeepAlive: 24 * time.Hour}, "keep-alive"},
		"negative":         {Options{URL: "mqtt://host", ClientID: "c", KeepAlive: -1}, "keep-alive"},
		"back-off":         {Options{URL: "mqtt://host", ClientID: "c", Backoff: Backoff{Min: 2, Max: 1}}, "back-off"},
		"control in URL":   {Options{URL: "mqtt://u:secret@ho\nst"}, "cannot be parsed"},
		"bad percent sign": {Options{URL: "mqtt://u:secret%zz@host"}, "cannot be parsed"},
	} {
		c, err := Dial(test.o)
		if err == nil {
			_ = c.Close()
			t.Errorf("%s: no error", name)
			continue
		}
		if !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: the error %q does not say %q", name, err, test.want)
		}
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error %q tells a secret", name, err)
		}
	}
}

func TestDefaults(t *testing.T) {
	o, _, err := Options{URL: "mqtt://u:p@host", ClientID: "c"}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	if o.Username != "u" || string(o.Password) != "p" || o.KeepAlive != time.Minute || o.Log == nil {
		t.Errorf("%+v", o)
	}
	if want := (Backoff{time.Second, 10 * time.Minute, 5 * time.Minute}); o.Backoff != want {
		t.Errorf("back-off is %v, want %v", o.Backoff, want)
	}
	o, _, err = Options{URL: "mqtt://u:p@host", ClientID: "c", Username: "v", Password: []byte("q"), Log: slog.Default()}.withDefaults()
	if err != nil || o.Username != "v" || string(o.Password) != "q" || o.Log != slog.Default() {
		t.Errorf("what was given does not win: %+v, %v", o, err)
	}
}
