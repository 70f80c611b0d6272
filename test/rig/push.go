package rig

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"
)

// PushImage uploads an image to the registry at addr, a host:port without TLS, and returns the reference by
// which engines pull it: addr/name:tag. No engine is involved, so none has the image afterwards. Pushing
// another image under the same name and tag replaces it.
func PushImage(ctx context.Context, addr, name, tag string, image Image) (ref string, err error) {
	base := "http://" + addr + "/v2/" + name
	for _, b := range image.blobs {
		if err := pushBlob(ctx, base, b); err != nil {
			return "", fmt.Errorf("push %s/%s:%s: %w", addr, name, tag, err)
		}
	}
	if _, err := send(ctx, http.MethodPut, base+"/manifests/"+tag, manifestType, image.manifest); err != nil {
		return "", fmt.Errorf("push %s/%s:%s: %w", addr, name, tag, err)
	}
	return fmt.Sprintf("%s/%s:%s", addr, name, tag), nil
}

// Push builds and uploads an image of test/rig/hello under a tag of its version, and returns the
// reference to pull.
func (r *Registry) Push(t testing.TB, name string, hello Hello) (ref string) {
	t.Helper()
	image, err := BuildImage(t.Context(), hello)
	if err != nil {
		t.Fatal(err)
	}
	ref, err = PushImage(t.Context(), r.Addr, name, hello.Version, image)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// pushBlob uploads one blob: the registry names a place, and the content goes there with its digest.
func pushBlob(ctx context.Context, base string, b blob) error {
	place, err := send(ctx, http.MethodPost, base+"/blobs/uploads/", "", nil)
	if err != nil {
		return err
	}
	if place == nil {
		return errors.New("the registry did not say where to upload to")
	}
	query := place.Query()
	query.Set("digest", b.Digest)
	place.RawQuery = query.Encode()
	_, err = send(ctx, http.MethodPut, place.String(), "application/octet-stream", b.content)
	return err
}

// send makes one request to a registry and returns the place that the answer names, nil when it names none.
func send(ctx context.Context, method, to, contentType string, content []byte) (place *url.URL, err error) {
	request, err := http.NewRequestWithContext(ctx, method, to, bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode >= 300 {
		return nil, fmt.Errorf("%s %s: %s: %s", method, request.URL.Path, answer.Status, bytes.TrimSpace(said))
	}
	place, err = answer.Location()
	if errors.Is(err, http.ErrNoLocation) {
		return nil, nil
	}
	return place, err
}
