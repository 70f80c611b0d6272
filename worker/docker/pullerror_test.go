package docker_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"muster/test/rig"
	"muster/topics"
	"muster/worker"
	"muster/worker/docker"
)

// pullCode pulls and checks that the error is one line that names image and registry, with that code.
func pullCode(t *testing.T, engine worker.Engine, ref string, want topics.Reason) (said string) {
	t.Helper()
	err := engine.Pull(t.Context(), ref, nil)
	if err == nil {
		t.Fatalf("Pull(%s): no error, want %s", ref, want)
	}
	said = err.Error()
	t.Log(said)
	var fault *worker.Fault
	if !errors.As(err, &fault) || fault.Code != want {
		t.Errorf("Pull: %q has the code %+v, want %s", said, fault, want)
	}
	registry, _, _ := strings.Cut(ref, "/")
	if !strings.HasPrefix(said, "pull "+ref+": ") || !strings.Contains(said, "registry "+registry) || strings.Contains(said, "\n") {
		t.Errorf("Pull: %q, want one line that names the image and the registry", said)
	}
	return said
}

// answer is what a registry says with that code.
func answer(status int, code, message string) rig.Fault {
	return rig.Answer(status, `{"errors":[{"code":"`+code+`","message":"`+message+`"}]}`, "Content-Type", "application/json", "Retry-After", "77")
}

// Each way in which a registry can fail, and what the machine's own engine makes of it.
func TestPullFromAFaultyRegistry(t *testing.T) {
	api, registry := rig.Docker(t), rig.NewRegistry(t)
	for _, test := range []struct {
		name  string
		fault rig.Fault
		want  topics.Reason
	}{
		{"401", answer(401, "UNAUTHORIZED", "authentication required"), topics.ReasonPullUnauthorized},
		{"401 without a word", rig.Answer(401, ""), topics.ReasonPullUnauthorized},
		{"401 with a challenge", rig.BasicAuth("u", "p"), topics.ReasonPullUnauthorized},
		{"401 of the token endpoint", rig.TokenAuth("u", "p", ""), topics.ReasonPullUnauthorized},
		{"401 of the manifest", rig.On("/manifests/", answer(401, "UNAUTHORIZED", "authentication required")), topics.ReasonPullUnauthorized},
		{"401 of the layers", rig.On("/blobs/", answer(401, "UNAUTHORIZED", "authentication required")), topics.ReasonPullUnauthorized},
		{"403", rig.Answer(403, "forbidden"), topics.ReasonPullUnauthorized},
		{"403 of the manifest", rig.On("/manifests/", answer(403, "DENIED", "requested access to the resource is denied")), topics.ReasonPullUnauthorized},
		{"403 of the layers", rig.On("/blobs/", rig.Answer(403, "no")), topics.ReasonPullUnauthorized},
		{"404", rig.Answer(404, "no"), topics.ReasonImageMissing},
		{"404 of the name", rig.On("/manifests/", answer(404, "NAME_UNKNOWN", "repository name not known to registry")), topics.ReasonImageMissing},
		{"404 of the tag", rig.On("/manifests/", answer(404, "MANIFEST_UNKNOWN", "manifest unknown")), topics.ReasonImageMissing},
		{"404 of the layers", rig.On("/blobs/", rig.Answer(404, "no")), topics.ReasonRegistryError},
		{"429", answer(429, "TOOMANYREQUESTS", "You have reached your pull rate limit."), topics.ReasonRateLimited},
		{"429 in plain words", rig.Answer(429, "slow down", "Retry-After", "77"), topics.ReasonRateLimited},
		{"429 of the manifest", rig.On("/manifests/", answer(429, "TOOMANYREQUESTS", "You have reached your pull rate limit.")), topics.ReasonRateLimited},
		{"429 of the layers", rig.On("/blobs/", rig.Answer(429, "slow down")), topics.ReasonRateLimited},
		{"500", rig.Answer(500, "boom"), topics.ReasonRegistryError},
		{"500 of the manifest", rig.On("/manifests/", rig.Answer(500, "boom")), topics.ReasonRegistryError},
		{"500 of the layers", rig.On("/blobs/", rig.Answer(500, "boom")), topics.ReasonRegistryError},
		{"503", rig.Answer(503, "<html><body>Service Unavailable</body></html>", "Retry-After", "77"), topics.ReasonRegistryError},
		{"503 of the manifest", rig.On("/manifests/", answer(503, "UNAVAILABLE", "service unavailable")), topics.ReasonRegistryError},
		{"a page to log in to a network", rig.Answer(200, "<html>welcome</html>", "Content-Type", "text/html"), topics.ReasonRegistryError},
		{"a manifest of nothing", rig.On("/manifests/", rig.Answer(200, `{"schemaVersion":2}`, "Content-Type", "application/vnd.docker.distribution.manifest.v2+json")), topics.ReasonRegistryError},
		{"a layer with a changed byte", rig.On("/blobs/", rig.Corrupt(100_000)), topics.ReasonDigestMismatch},
		{"a config with a changed byte", rig.On("/blobs/", rig.Corrupt(10)), topics.ReasonDigestMismatch},
		{"a manifest that is cut off", rig.On("/manifests/", rig.CutAfter(20)), topics.ReasonRegistryDown},
		{"a layer that is cut off at its beginning", rig.On("/blobs/", rig.CutAfter(0)), topics.ReasonRegistryDown},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			front, name := rig.NewFaultyRegistry(t, registry, api), rig.Name("hello")
			push(t, registry, name, rig.Hello{Version: "v1", Padding: 300_000})
			engine := newEngine(t, api, docker.Options{Device: rig.Name("device")})
			front.Set(test.fault)
			pullCode(t, engine, front.Ref(name, "v1"), test.want)
			front.Set()
			if err := engine.Pull(t.Context(), front.Ref(name, "v1"), nil); err != nil {
				t.Errorf("Pull when the registry is good again: %v", err)
			}
		})
	}
}

// push pushes from any goroutine.
func push(t *testing.T, registry *rig.Registry, name string, hello rig.Hello) {
	t.Helper()
	image, err := rig.BuildImage(t.Context(), hello)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rig.PushImage(t.Context(), registry.Addr, name, hello.Version, image); err != nil {
		t.Fatal(err)
	}
}

// What other engines say: Docker with containerd's store of images (from 29 on the default), Docker Hub's
// answers, and Podman.
func TestWordsOfOtherEngines(t *testing.T) {
	f := newFront(t)
	engine := newEngine(t, rig.Docker(t), docker.Options{Device: rig.Name("device"), Host: f.host()})
	for said, want := range map[string]topics.Reason{
		`pull access denied for x/y, repository does not exist or may require 'docker login': denied: requested access to the resource is denied`:                                     topics.ReasonPullUnauthorized,
		`failed to resolve reference \"r:5000/x:1\": r:5000/x:1: not found`:                                                                                                           topics.ReasonImageMissing,
		`failed to resolve reference \"r:5000/x:1\": pull access denied, repository does not exist or may require authorization: authorization failed: no basic auth credentials`:     topics.ReasonPullUnauthorized,
		`failed to resolve reference \"r:5000/x:1\": failed to authorize: failed to fetch oauth token: Post \"https://r/token\": dial tcp: lookup r on 10.0.0.1:53: no such host`:     topics.ReasonRegistryDown,
		`failed to resolve reference \"r:5000/x:1\": failed to authorize: failed to fetch oauth token: unexpected status from POST request to https://r/token: 401 Unauthorized`:      topics.ReasonPullUnauthorized,
		`failed to resolve reference \"r:5000/x:1\": unexpected status from HEAD request to http://r:5000/v2/x/manifests/1: 403 Forbidden`:                                            topics.ReasonPullUnauthorized,
		`failed to resolve reference \"r:5000/x:1\": unexpected status from HEAD request to http://r:5000/v2/x/manifests/1: 500 Internal Server Error`:                                topics.ReasonRegistryError,
		`failed to copy: httpReadSeeker: failed open: unexpected status code https://r/v2/x/blobs/sha256:1: 429 Too Many Requests - Server message: toomanyrequests: pull rate limit`: topics.ReasonRateLimited,
		`failed to copy: httpReadSeeker: failed open: failed to do request: Get \"https://r/v2/x/blobs/sha256:1\": net/http: TLS handshake timeout`:                                   topics.ReasonRegistryDown,
		`failed commit on ref \"layer-sha256:1\": unexpected commit digest sha256:2, expected sha256:1: failed precondition`:                                                          topics.ReasonDigestMismatch,
		`failed to copy: failed to send write: write /var/lib/containerd/x: no space left on device: unknown`:                                                                         topics.ReasonDiskFull,
		`no matching manifest for linux/arm/v6 in the manifest list entries: no match for platform in manifest: not found`:                                                            topics.ReasonImageMissing,
		`Get \"https://r:5000/v2/\": http: server gave HTTP response to HTTPS client`:                                                                                                 topics.ReasonRegistryDown,
		`Get \"https://r:5000/v2/\": tls: failed to verify certificate: x509: certificate signed by unknown authority`:                                                                topics.ReasonRegistryDown,
		`initializing source docker://r:5000/x:1: reading manifest 1 in r:5000/x: manifest unknown`:                                                                                   topics.ReasonImageMissing,
		`initializing source docker://r:5000/x:1: reading manifest 1 in r:5000/x: unauthorized: authentication required`:                                                              topics.ReasonPullUnauthorized,
		`initializing source docker://r:5000/x:1: unable to retrieve auth token: invalid username/password: unauthorized: incorrect username or password`:                             topics.ReasonPullUnauthorized,
		`initializing source docker://r:5000/x:1: pinging container registry r:5000: Get \"http://r:5000/v2/\": dial tcp 10.0.0.2:5000: connect: connection refused`:                  topics.ReasonRegistryDown,
		`initializing source docker://r:5000/x:1: pinging container registry r:5000: received unexpected HTTP status: 503 Service Unavailable`:                                        topics.ReasonRegistryError,
		`copying system image from manifest list: writing blob: storing blob to file \"/var/tmp/storage\": Digest did not match, expected sha256:1, got sha256:2`:                     topics.ReasonDigestMismatch,
		`copying system image from manifest list: reading blob sha256:1: fetching blob: toomanyrequests: Rate exceeded`:                                                               topics.ReasonRateLimited,
		`failed to register layer: open /usr/bin/x: permission denied`:                                                                                                                topics.ReasonPullFailed,
	} {
		refuse := func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasSuffix(r.URL.Path, "/images/create") {
				return false
			}
			_, _ = w.Write([]byte(`{"error":"` + said + `"}`))
			return true
		}
		f.refuse.Store(&refuse)
		err := engine.Pull(t.Context(), "r:5000/x:1", nil)
		var fault *worker.Fault
		if !errors.As(err, &fault) || fault.Code != want {
			t.Errorf("%s\nis told as %v with %+v, want %s", said, err, fault, want)
		}
	}
}

// The engine does not pass on when a registry wants to be asked again; the check for room does.
func TestRegistrySaysWhenToComeBack(t *testing.T) {
	api, registry := rig.Docker(t), rig.NewRegistry(t)
	front, name := rig.NewFaultyRegistry(t, registry, api), rig.Name("hello")
	push(t, registry, name, rig.Hello{Version: "v1"})
	engine := newEngine(t, api, docker.Options{Device: rig.Name("device")})
	for said, want := range map[string]time.Duration{
		"77": 77 * time.Second, "": 0, "soon": 0, "-5": 0, time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat): 0,
	} {
		front.Set(rig.Answer(http.StatusTooManyRequests, "slow down", "Retry-After", said))
		_, err := engine.PullSize(t.Context(), front.Ref(name, "v1"))
		var limit *worker.Limit
		if !errors.As(err, &limit) || limit.After != want {
			t.Errorf("Retry-After %q: %v with %+v, want %v", said, err, limit, want)
		}
	}
}
