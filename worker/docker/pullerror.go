package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"oras.land/oras-go/v2/registry/remote/auth"

	"muster/topics"
	"muster/worker"
)

// A symptom is a kind of failure of a pull with the words by which it is known: engines have no status for
// it, and those of registries do not come through.
type symptom struct {
	code topics.Reason
	// told is what is the matter, with the registry's name for the %s.
	told  string
	words []string
}

// in reports whether what was said, in lower case, has one of the words.
func (s symptom) in(said string) bool {
	return slices.ContainsFunc(s.words, func(word string) bool { return strings.Contains(said, word) })
}

// symptoms are in the order in which they are looked for. The words are in lower case, and are those of Docker
// engines with either store of images, and of Podman; each is in a test.
var symptoms = []symptom{
	{topics.ReasonDiskFull, "the disk is full", []string{"no space left on device", "disk quota exceeded"}},
	{topics.ReasonRateLimited, "%s limits how much is pulled from it", []string{
		"toomanyrequests", "too many requests", "http 429", "unexpected status code 429",
	}},
	{topics.ReasonDigestMismatch, "what %s sent is not what its digest says", []string{
		"verification failed", "unexpected commit digest", "digest did not match", "does not match digest", "digest mismatch",
	}},
	// Before those about credentials, because to ask for a token is a request that can fail as well.
	{topics.ReasonRegistryDown, "%s cannot be reached, or the connection breaks", []string{
		"dial tcp", "no such host", "connection refused", "connection reset", "i/o timeout", "handshake timeout", "unexpected eof",
		"client.timeout", "request canceled while waiting", "network is unreachable", "no route to host", "server misbehaving",
		"context deadline exceeded", "broken pipe", "x509:", "tls:", "gave http response to https client", ": eof",
	}},
	{topics.ReasonPullUnauthorized, "", []string{
		"unauthorized", "access denied", "denied:", "no basic auth credentials", "http 401", "http 403",
		"403 forbidden", "authentication required", "docker login", "insufficient_scope", "authorization failed",
	}},
	{topics.ReasonRegistryError, "%s has the image, but not all of its parts", []string{"unknown blob", "blob unknown"}},
	{topics.ReasonImageMissing, "%s has the image, but not for a device of this kind", []string{"no matching manifest", "no image found in manifest list", "no match for platform"}},
	{topics.ReasonImageMissing, "%s does not have the image", []string{
		"manifest unknown", "name unknown", "not found", "http 404", "repository name not known",
	}},
	{topics.ReasonRegistryError, "%s answers with an error, or with what makes no sense", []string{
		"unexpected http status", "unexpected status", "error parsing http", "unmarshal", "unsupported media type", "mediatype in manifest",
		"invalid character", "unsupported manifest", "schema version", "malformed http response",
	}},
}

// diagnose finds the kind of a failure in what the engine says.
func diagnose(said string) symptom {
	said = strings.ToLower(said)
	if said == "denied" || strings.HasSuffix(said, ": denied") {
		said = "denied: "
	}
	// What the engine itself may not do on this device is not the registry's.
	words := strings.ReplaceAll(said, "permission denied", "")
	for _, s := range symptoms {
		if s.in(words) {
			return s
		}
	}
	return symptom{code: topics.ReasonPullFailed}
}

// pullError makes what the engine's client says of a pull one line that names the image, the registry, and the
// kind of failure, and no secret.
func (l login) pullError(ctx context.Context, doing string, err error) error {
	explained := plain(ctx, doing, err)
	var f *failure
	if !errors.As(explained, &f) || errors.Is(f.cause, worker.ErrEngineDown) {
		return explained
	}
	f.said = hide(f.said, l.credential)
	s := symptom{code: topics.ReasonPullFailed}
	// What the engine garbled is not to be read into.
	if _, garbled := errors.AsType[*json.SyntaxError](err); !garbled {
		s = diagnose(f.said)
	}
	f.cause = nil
	if s.code == topics.ReasonImageMissing {
		f.cause = worker.ErrNotExist
	}
	if told := l.tell(s); told != "" {
		f.said = told + ": " + f.said
	}
	return &worker.Fault{Code: s.code, Err: f}
}

// tell is a symptom in words.
func (l login) tell(s symptom) string {
	registry := "registry " + l.registry
	if s.code == topics.ReasonPullUnauthorized {
		switch {
		case l.err != nil:
			return fmt.Sprintf("%s wants credentials, which cannot be read: %s", registry, oneLine(l.err.Error()))
		case l.credential == auth.EmptyCredential:
			return registry + " does not have the image, or wants credentials, and there are none for it"
		}
		return registry + " does not have the image, or does not accept the credentials for it"
	}
	if strings.Contains(s.told, "%s") {
		return fmt.Sprintf(s.told, registry)
	}
	return s.told
}
