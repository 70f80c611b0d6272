package docker

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/distribution/reference"
	"github.com/docker/docker/api/types/registry"
	"oras.land/oras-go/v2/registry/remote/auth"

	"muster/worker"
)

// maxDocument is how many bytes a manifest or an image's configuration may have: Docker's own limit for the first.
const maxDocument = 4 << 20

// A repository is where a registry keeps an image: the few requests that tell how large the image is. The pull itself
// is the engine's.
type repository struct {
	client *auth.Client
	// schemes are those to try, the one that worked first.
	schemes []string
	host    string
	path    string
}

// newRepository is the one of that image. Registries that the engine takes without a trusted certificate are
// asked like the engine does: with TLS whoever they are, and without TLS where they have none.
func newRepository(image reference.Named, config *registry.ServiceConfig, credential auth.Credential) *repository {
	host := reference.Domain(image)
	r := &repository{schemes: []string{"https"}, host: host, path: reference.Path(image)}
	if host == "docker.io" {
		r.host = "registry-1.docker.io" // which answers for it
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if insecure(host, config) {
		transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // the engine was told so
		r.schemes = append(r.schemes, "http")
	}
	r.client = &auth.Client{
		Client: &http.Client{Transport: transport}, Cache: auth.NewCache(), Credential: auth.StaticCredential(r.host, credential),
	}
	r.client.SetUserAgent("muster-worker")
	return r
}

// close ends the connections.
func (r *repository) close() { r.client.Client.CloseIdleConnections() }

// insecure reports whether the engine takes the registry without a trusted certificate, as it does at loopback
// addresses.
func insecure(host string, config *registry.ServiceConfig) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	ip := net.ParseIP(strings.Trim(name, "[]"))
	if name == "localhost" || ip.IsLoopback() {
		return true
	}
	if config == nil {
		return false
	}
	if index := config.IndexConfigs[host]; index != nil {
		return !index.Secure
	}
	for _, network := range config.InsecureRegistryCIDRs {
		if ip != nil && (*net.IPNet)(network).Contains(ip) {
			return true
		}
	}
	return false
}

// A descriptor names a document or a layer in a registry.
type descriptor struct {
	MediaType string    `json:"mediaType"`
	Digest    string    `json:"digest"`
	Size      int64     `json:"size"`
	Platform  *platform `json:"platform"`
}

// A manifest is one of an image, or the index of those for several platforms.
type manifest struct {
	Manifests []descriptor `json:"manifests"`
	Config    *descriptor  `json:"config"`
	Layers    []descriptor `json:"layers"`
}

// manifestTypes are those that engines know.
const manifestTypes = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json, " +
	"application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json"

// digest asks what the tag or digest names now. It costs no pull where pulls are counted.
func (r *repository) digest(ctx context.Context, of string) (string, error) {
	answer, err := r.ask(ctx, http.MethodHead, "manifests/"+of, http.Header{"Accept": {manifestTypes}})
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	return answer.Header.Get("Docker-Content-Digest"), nil
}

// manifest reads the one of the image for the platform.
func (r *repository) manifest(ctx context.Context, of string, p platform) (manifest, error) {
	var m manifest
	if err := r.read(ctx, "manifests/"+of, &m); err != nil {
		return manifest{}, err
	}
	if len(m.Manifests) > 0 {
		chosen, ok := p.choose(m.Manifests)
		if !ok {
			return manifest{}, fmt.Errorf("no image for %s", p)
		}
		m = manifest{}
		if err := r.read(ctx, "manifests/"+chosen.Digest, &m); err != nil {
			return manifest{}, err
		}
	}
	if m.Config == nil {
		return manifest{}, errors.New("the manifest is of a kind that is unknown here")
	}
	return m, nil
}

// layers are the digests of the image's layers as they are unpacked, the lowest first.
func (r *repository) layers(ctx context.Context, config descriptor) ([]string, error) {
	var image struct {
		RootFS struct {
			DiffIDs []string `json:"diff_ids"`
		} `json:"rootfs"`
	}
	err := r.read(ctx, "blobs/"+config.Digest, &image)
	return image.RootFS.DiffIDs, err
}

// read reads a JSON document.
func (r *repository) read(ctx context.Context, path string, into any) error {
	answer, err := r.ask(ctx, http.MethodGet, path, http.Header{"Accept": {manifestTypes}})
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxDocument)).Decode(into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// ask makes a request that is to succeed.
func (r *repository) ask(ctx context.Context, method, path string, header http.Header) (*http.Response, error) {
	ctx = auth.WithScopesForHost(ctx, r.host, auth.ScopeRepository(r.path, auth.ActionPull))
	var errs []error
	for i, scheme := range r.schemes {
		request, err := http.NewRequestWithContext(ctx, method, scheme+"://"+r.host+"/v2/"+r.path+"/"+path, nil)
		if err != nil {
			return nil, err
		}
		request.Header = header.Clone()
		answer, err := r.client.Do(request)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		r.schemes = r.schemes[i : i+1]
		if answer.StatusCode/100 != 2 {
			answer.Body.Close()
			err := fmt.Errorf("%s %s: the registry answers %s", method, path, answer.Status)
			if answer.StatusCode == http.StatusTooManyRequests {
				return nil, &worker.Limit{After: retryAfter(answer.Header), Err: err}
			}
			return nil, err
		}
		return answer, nil
	}
	return nil, errors.Join(errs...)
}

// retryAfter is how long the registry wants to be left alone; 0 when it does not say.
func retryAfter(header http.Header) time.Duration {
	said := header.Get("Retry-After")
	if seconds, err := strconv.Atoi(said); err == nil {
		return max(0, time.Duration(seconds)*time.Second)
	}
	if then, err := http.ParseTime(said); err == nil {
		return max(0, time.Until(then))
	}
	return 0
}
