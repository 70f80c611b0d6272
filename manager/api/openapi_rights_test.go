package api_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"muster/manager/api"
	"muster/manager/api/openapi/openapitest"
	"muster/manager/auth"
	"muster/manager/authority"
	"muster/manager/metrics"
	"muster/manager/store"
)

// somebody takes every request for one of theirs.
type somebody struct {
	api.Authenticator
	id auth.Identity
}

func (s *somebody) REST(*http.Request) (auth.Identity, error) { return s.id, nil }

// people are those with exactly one right, to objects named x, in the words of the document.
var people = map[string]auth.Identity{
	"admin":           {Admin: true},
	"broker_auth":     {BrokerAuth: true},
	"pruning":         {Rights: &auth.Rights{Pruning: true}},
	"app ro":          {Rights: &auth.Rights{Apps: map[string]store.Right{"x": "ro"}}},
	"app rw":          {Rights: &auth.Rights{Apps: map[string]store.Right{"x": "rw"}}},
	"device_group ro": {Rights: &auth.Rights{DeviceGroups: map[string]store.Right{"x": "ro"}}},
	"device_group rw": {Rights: &auth.Rights{DeviceGroups: map[string]store.Right{"x": "rw"}}},
	"cron_job ro":     {Rights: &auth.Rights{CronJobs: map[string]store.Right{"x": "ro"}}},
	"cron_job rw":     {Rights: &auth.Rights{CronJobs: map[string]store.Right{"x": "rw"}}},
	"none":            {},
	"all but to x": {Rights: &auth.Rights{
		Apps:         map[string]store.Right{"y": "rw"},
		DeviceGroups: map[string]store.Right{"y": "rw"},
		CronJobs:     map[string]store.Right{"y": "rw"},
	}},
}

// allIn takes every device for one of the group.
type allIn struct {
	api.Fleet
	group string
}

func (a allIn) Group(context.Context, string) (string, error) { return a.group, nil }

// wholeAPI is the API with all that it can have, on an empty store.
func wholeAPI(t *testing.T, who *somebody) http.Handler {
	t.Helper()
	var err error
	if who.Authenticator, err = auth.New(auth.Config{Disabled: true}); err != nil {
		t.Fatal(err)
	}
	s := openStore(t)
	authorities, err := authority.Open(t.Context(), s.Authorities(), authority.Options{Identities: s.Identities(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	h, err := api.New(api.Options{
		Store: s, Configs: newMaker(s), Auth: who, Fleet: allIn{idleFleet(s), "x"}, Enrollment: idleDesk(t, s), Changed: func(string) {}, Log: slog.New(slog.DiscardHandler),
		Metrics: metrics.New("test").Handler(), Authorities: authorities,
	})
	if err != nil {
		t.Fatal(err)
	}
	return openapitest.Handler(t, h)
}

// The right that the document says an operation needs is what the API asks for.
func TestDocumentedRights(t *testing.T) {
	who := &somebody{}
	h := wholeAPI(t, who)
	parameter := regexp.MustCompile(`{[^}]*}`)
	openapitest.Load(t).Operations(func(method, path string, op openapitest.Place) {
		needs := op.At("x-right").Value.(string)
		if needs == "nobody" {
			return // what needs no login is not the router's
		}
		for has, id := range people {
			who.id = id
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(method, parameter.ReplaceAllString(path, "x"), nil))
			needs := strings.Replace(needs, "device ", "device_group ", 1)
			may := needs == "anyone" || has == "admin" || has == needs || has == strings.Replace(needs, " ro", " rw", 1)
			refused := w.Code == 403 && strings.TrimSpace(w.Body.String()) == `{"access_allowed":false}`
			if may == refused {
				t.Errorf("%s %s needs the right %q; who has %q is answered %d %s", method, path, needs, has, w.Code, w.Body)
			}
		}
	})
}
