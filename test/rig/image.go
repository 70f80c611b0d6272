package rig

import (
	"compress/gzip"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"runtime"
	"time"
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
	// Command is the image's CMD: arguments that the program does not look at.
	Command []string
	// Healthcheck has the image ask the program every second whether it is well.
	Healthcheck bool
	// Padding adds a layer of that many random bytes, so that a pull takes its time and nothing of it is
	// already there.
	Padding int
	// Layers is how many such layers there are; 0 is one.
	Layers int
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
	program, err := helloLayer(ctx)
	if err != nil {
		return Image{}, err
	}
	layers := []layer{program}
	for range max(hello.Layers, min(hello.Padding, 1)) {
		padding := make([]byte, hello.Padding)
		_, _ = rand.Read(padding) // never fails
		// To try to compress random bytes would only take time.
		l, err := newLayer("padding", 0o644, padding, gzip.NoCompression)
		if err != nil {
			return Image{}, err
		}
		layers = append(layers, l)
	}

	var image Image
	var diffIDs []string
	for _, l := range layers {
		diffIDs = append(diffIDs, l.diffID)
		image.blobs = append(image.blobs, l.blob)
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
	settings := map[string]any{
		"Entrypoint":   append([]string{"/hello"}, h.Args...),
		"Env":          []string{"VERSION=" + h.Version},
		"ExposedPorts": map[string]any{"8080/tcp": map[string]any{}},
		"Volumes":      map[string]any{"/scratch": map[string]any{}},
	}
	if len(h.Command) > 0 {
		settings["Cmd"] = h.Command
	}
	if h.Healthcheck {
		settings["Healthcheck"] = map[string]any{
			"Test": []string{"CMD", "/hello", "-check"}, "Interval": time.Second, "Timeout": 10 * time.Second, "Retries": 2,
		}
	}
	return json.Marshal(map[string]any{
		"architecture": runtime.GOARCH,
		"os":           "linux",
		"config":       settings,
		"rootfs":       map[string]any{"type": "layers", "diff_ids": diffIDs},
	})
}
