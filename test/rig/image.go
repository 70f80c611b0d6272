package rig

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
)

// The media types of an image as every engine and registry knows them.
const (
	manifestType = "application/vnd.docker.distribution.manifest.v2+json"
	configType   = "application/vnd.docker.container.image.v1+json"
	layerType    = "application/vnd.docker.image.rootfs.diff.tar.gzip"
)

// Hello says how an image of the program test/rig/hello is to be.
type Hello struct {
	// Version is in its answers; images with different versions differ.
	Version string
	// Args are the program's flags, such as "-exit", "3".
	Args []string
	// Padding adds a layer of that many random bytes, so that a pull takes its time and nothing of it is
	// already there.
	Padding int
}

// An Image is a container image of one platform, ready for [PushImage].
type Image struct {
	manifest []byte
	blobs    []blob // what the manifest refers to
}

// A blob is content that a registry keeps under its digest.
type blob struct {
	MediaType string `json:"mediaType"`
	Size      int    `json:"size"`
	Digest    string `json:"digest"`
	content   []byte
}

// BuildImage makes an image FROM scratch, without an engine and without the network: an image is a few
// JSON documents and tar archives.
func BuildImage(ctx context.Context, hello Hello) (Image, error) {
	program, err := helloProgram(ctx)
	if err != nil {
		return Image{}, err
	}
	layers := []file{{name: "hello", mode: 0o755, content: program}}
	if hello.Padding > 0 {
		padding := make([]byte, hello.Padding)
		_, _ = rand.Read(padding) // never fails
		layers = append(layers, file{name: "padding", mode: 0o644, content: padding})
	}

	var image Image
	var diffIDs []string
	for _, layer := range layers {
		plain, packed, err := layer.archive()
		if err != nil {
			return Image{}, fmt.Errorf("build image: %w", err)
		}
		diffIDs = append(diffIDs, digest(plain))
		image.blobs = append(image.blobs, newBlob(layerType, packed))
	}
	config, err := hello.config(diffIDs)
	if err != nil {
		return Image{}, fmt.Errorf("build image: %w", err)
	}
	manifest := struct {
		SchemaVersion int    `json:"schemaVersion"`
		MediaType     string `json:"mediaType"`
		Config        blob   `json:"config"`
		Layers        []blob `json:"layers"`
	}{2, manifestType, newBlob(configType, config), image.blobs}
	image.blobs = append(image.blobs, manifest.Config)
	image.manifest, err = json.Marshal(manifest)
	return image, err
}

// config is the image's configuration document.
func (h Hello) config(diffIDs []string) ([]byte, error) {
	return json.Marshal(map[string]any{
		"architecture": runtime.GOARCH,
		"os":           "linux",
		"config": map[string]any{
			"Entrypoint":   append([]string{"/hello"}, h.Args...),
			"Env":          []string{"VERSION=" + h.Version},
			"ExposedPorts": map[string]any{"8080/tcp": map[string]any{}},
			"Volumes":      map[string]any{"/scratch": map[string]any{}},
		},
		"rootfs": map[string]any{"type": "layers", "diff_ids": diffIDs},
	})
}

// helloProgram compiles test/rig/hello for scratch, once.
var helloProgram = func() func(context.Context) ([]byte, error) {
	var mu sync.Mutex
	var program []byte
	return func(ctx context.Context) ([]byte, error) {
		mu.Lock()
		defer mu.Unlock()
		if program != nil {
			return program, nil
		}
		dir, err := os.MkdirTemp("", "hello")
		if err != nil {
			return nil, fmt.Errorf("build hello: %w", err)
		}
		defer os.RemoveAll(dir)
		path := filepath.Join(dir, "hello")
		if _, err := goCommand(ctx, []string{"CGO_ENABLED=0", "GOOS=linux"},
			"build", "-trimpath", "-ldflags=-s -w", "-o", path, "muster/test/rig/hello"); err != nil {
			return nil, err
		}
		program, err = os.ReadFile(path)
		return program, err
	}
}()

// A file is the only one in a layer.
type file struct {
	name    string
	mode    int64
	content []byte
}

// archive makes the layer's archive, and the same compressed.
func (f file) archive() (plain, packed []byte, err error) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	if err := w.WriteHeader(&tar.Header{Name: f.name, Mode: f.mode, Size: int64(len(f.content))}); err != nil {
		return nil, nil, err
	}
	if _, err := w.Write(f.content); err != nil {
		return nil, nil, err
	}
	if err := w.Close(); err != nil {
		return nil, nil, err
	}
	var zipped bytes.Buffer
	z, err := gzip.NewWriterLevel(&zipped, gzip.BestSpeed)
	if err != nil {
		return nil, nil, err
	}
	if _, err := z.Write(out.Bytes()); err != nil {
		return nil, nil, err
	}
	if err := z.Close(); err != nil {
		return nil, nil, err
	}
	return out.Bytes(), zipped.Bytes(), nil
}

func newBlob(mediaType string, content []byte) blob {
	return blob{MediaType: mediaType, Size: len(content), Digest: digest(content), content: content}
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:])
}
