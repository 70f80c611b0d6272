package rig

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// A layer is an archive of files in an image; ours have one file each.
type layer struct {
	blob
	// diffID is the digest of the archive before it was compressed.
	diffID string
}

func newLayer(name string, mode int64, content []byte, level int) (layer, error) {
	var plain, packed bytes.Buffer
	archive := tar.NewWriter(&plain)
	if err := archive.WriteHeader(&tar.Header{Name: name, Mode: mode, Size: int64(len(content))}); err != nil {
		return layer{}, fmt.Errorf("layer %s: %w", name, err)
	}
	if _, err := archive.Write(content); err != nil {
		return layer{}, fmt.Errorf("layer %s: %w", name, err)
	}
	if err := archive.Close(); err != nil {
		return layer{}, fmt.Errorf("layer %s: %w", name, err)
	}
	compressed, err := gzip.NewWriterLevel(&packed, level)
	if err != nil {
		return layer{}, fmt.Errorf("layer %s: %w", name, err)
	}
	if _, err := compressed.Write(plain.Bytes()); err != nil {
		return layer{}, fmt.Errorf("layer %s: %w", name, err)
	}
	if err := compressed.Close(); err != nil {
		return layer{}, fmt.Errorf("layer %s: %w", name, err)
	}
	return layer{blob: newBlob(layerType, packed.Bytes()), diffID: digest(plain.Bytes())}, nil
}

var hello struct {
	sync.Mutex
	layer *layer
}

// helloLayer compiles test/rig/hello for an image without anything else in it, once.
func helloLayer(ctx context.Context) (layer, error) {
	hello.Lock()
	defer hello.Unlock()
	if hello.layer != nil {
		return *hello.layer, nil
	}
	dir, err := os.MkdirTemp("", "hello")
	if err != nil {
		return layer{}, fmt.Errorf("build hello: %w", err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "hello")
	if _, err := goCommand(ctx, []string{"CGO_ENABLED=0", "GOOS=linux"},
		"build", "-trimpath", "-ldflags=-s -w", "-o", path, "muster/test/rig/hello"); err != nil {
		return layer{}, err
	}
	program, err := os.ReadFile(path)
	if err != nil {
		return layer{}, fmt.Errorf("build hello: %w", err)
	}
	l, err := newLayer("hello", 0o755, program, gzip.BestSpeed)
	if err != nil {
		return layer{}, err
	}
	hello.layer = &l
	return l, nil
}

func newBlob(mediaType string, content []byte) blob {
	return blob{MediaType: mediaType, Size: len(content), Digest: digest(content), content: content}
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:])
}
