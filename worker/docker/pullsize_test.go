package docker_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"muster/test/rig"
	"muster/worker"
	"muster/worker/docker"
)

// What a pull takes is what is missing: layers that another image has are there already.
func TestPullSizeOfSharedLayers(t *testing.T) {
	own := rig.OwnEngine(t, rig.EngineOptions{})
	registry := rig.NewRegistry(t)
	first := registry.Push(t, "first", rig.Hello{Version: "v1", Padding: 2 * mib})
	second := registry.Push(t, "second", rig.Hello{Version: "v1", Padding: 3 * mib})
	engine := newEngine(t, own.Client, docker.Options{Device: "d", Host: own.Host})

	whole := pullSize(t, engine, first)
	if whole.Layers != 2 || whole.Packed < 2*mib || whole.Unpacked <= whole.Packed {
		t.Errorf("before the first pull: %+v, want two layers that grow when they are unpacked", whole)
	}
	if err := engine.Pull(t.Context(), first, nil); err != nil {
		t.Fatal(err)
	}
	if got := pullSize(t, engine, first); got != (worker.PullSize{}) {
		t.Errorf("after the pull: %+v, want nothing", got)
	}
	rest := pullSize(t, engine, second)
	// Random bytes do not shrink; an archive adds a few blocks.
	near := func(got int64) bool { return got >= 3*mib && got < 3*mib+64<<10 }
	if rest.Layers != 1 || !near(rest.Packed) || !near(rest.Unpacked) {
		t.Errorf("of an image that shares a layer: %+v, want one of about 3 MiB", rest)
	}
	// The same layer on other layers is another one to the engine.
	program := whole.Packed - 2*mib
	alone := registry.Push(t, "alone", rig.Hello{Version: "v2"})
	if got := pullSize(t, engine, alone); got.Layers != 0 {
		t.Errorf("of an image whose only layer is there: %+v, want nothing", got)
	}
	if program < 64<<10 {
		t.Errorf("the program's layer has %d bytes", program)
	}
	moved := registry.Push(t, "first", rig.Hello{Version: "v1", Padding: mib})
	if got := pullSize(t, engine, moved); got.Layers != 1 || got.Packed < mib {
		t.Errorf("after the tag has moved: %+v, want one layer of 1 MiB", got)
	}
}

func pullSize(t *testing.T, engine *docker.Engine, ref string) worker.PullSize {
	t.Helper()
	size, err := engine.PullSize(t.Context(), ref)
	if err != nil {
		t.Fatalf("PullSize(%s): %v", ref, err)
	}
	return size
}

// Private registries are asked with the credentials of the pull.
func TestPullSizeWithCredentials(t *testing.T) {
	api := rig.Docker(t)
	registry := rig.NewRegistry(t)
	private := rig.NewFaultyRegistry(t, registry, nil)
	name := rig.Name("hello")
	registry.Push(t, name, rig.Hello{Version: "v1", Padding: mib})
	ref := private.Ref(name, "v1")
	for kind, fault := range map[string]rig.Fault{"basic": rig.BasicAuth("u", "pa55word"), "token": rig.TokenAuth("u", "pa55word", "")} {
		private.Set(fault)
		logins := docker.Logins{Host: private.Addr, User: "u", Password: password("pa55word")}
		engine := newEngine(t, api, docker.Options{Device: rig.Name("device"), Logins: logins})
		if got := pullSize(t, engine, ref); got.Layers < 1 || got.Packed < mib {
			t.Errorf("%s: %+v, want at least the layer of 1 MiB", kind, got)
		}
		logins.Password = password("wr0ng")
		engine = newEngine(t, api, docker.Options{Device: rig.Name("device"), Logins: logins})
		if size, err := engine.PullSize(t.Context(), ref); err == nil || strings.Contains(err.Error(), "wr0ng") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: with a wrong password: %+v, %v, want one line without it", kind, size, err)
		}
	}
}

// A shelf is a registry that answers with what a test says, by path after /v2/a/; everything else is missing.
type shelf map[string]string

func (s shelf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, found := s[strings.TrimPrefix(r.URL.Path, "/v2/a/")]
	if !found {
		http.NotFound(w, r)
		return
	}
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(body))
}

// Sizes of images as other tools make them, without a real registry, which would not take blobs that are not there.
func TestPullSizeOfOddImages(t *testing.T) {
	const gzipped, zstd, plain = "application/vnd.oci.image.layer.v1.tar+gzip", "application/vnd.oci.image.layer.v1.tar+zstd", "application/vnd.oci.image.layer.v1.tar"
	layer := func(kind, digest string, size int64) string {
		return fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":%d}`, kind, digest, size)
	}
	image := func(layers ...string) string {
		return fmt.Sprintf(`{"config":{"digest":"sha256:config","size":9},"layers":[%s]}`, strings.Join(layers, ","))
	}
	config := func(diffs ...string) string {
		return fmt.Sprintf(`{"rootfs":{"diff_ids":["%s"]}}`, strings.Join(diffs, `","`))
	}
	ends := func(size int, last string) string { return strings.Repeat("x", size-4) + last }
	index := func(os, arch string) string {
		return fmt.Sprintf(`{"manifests":[{"digest":"sha256:other","platform":{"os":"plan9","architecture":"mips"}},{"digest":"sha256:none"},
			{"digest":"sha256:mine","platform":{"os":%q,"architecture":%q}}]}`, os, arch)
	}
	one := config("sha256:" + rig.Name("layer"))
	engine := newEngine(t, rig.Docker(t), docker.Options{Device: rig.Name("device")})
	for name, c := range map[string]struct {
		shelf shelf
		want  worker.PullSize
		err   string
	}{
		"gzip says its size": {
			shelf: shelf{"manifests/1": image(layer(gzipped, "sha256:l", 10)), "blobs/sha256:config": one, "blobs/sha256:l": ends(10, "\x40\x00\x01\x00")},
			want:  worker.PullSize{Layers: 1, Packed: 10, Unpacked: 0x10040},
		},
		"several archives in one": {
			shelf: shelf{"manifests/1": image(layer(gzipped, "sha256:l", 100)), "blobs/sha256:config": one, "blobs/sha256:l": ends(100, "\x20\x00\x00\x00")},
			want:  worker.PullSize{Layers: 1, Packed: 100, Unpacked: 300},
		},
		"a blob that cannot be read": {
			shelf: shelf{"manifests/1": image(layer(gzipped, "sha256:l", 100)), "blobs/sha256:config": one},
			want:  worker.PullSize{Layers: 1, Packed: 100, Unpacked: 300},
		},
		"zstd": {
			shelf: shelf{"manifests/1": image(layer(zstd, "sha256:l", 100)), "blobs/sha256:config": one, "blobs/sha256:l": ends(100, "\xff\xff\x00\x00")},
			want:  worker.PullSize{Layers: 1, Packed: 100, Unpacked: 300},
		},
		"not packed": {
			shelf: shelf{"manifests/1": image(layer(plain, "sha256:l", 100)), "blobs/sha256:config": one},
			want:  worker.PullSize{Layers: 1, Packed: 100, Unpacked: 100},
		},
		"larger than gzip can say": {
			shelf: shelf{"manifests/1": image(layer(gzipped, "sha256:l", 2<<30)), "blobs/sha256:config": one, "blobs/sha256:l": ends(100, "\xff\xff\xff\x7f")},
			want:  worker.PullSize{Layers: 1, Packed: 2 << 30, Unpacked: 6 << 30},
		},
		"for several platforms": {
			shelf: shelf{
				"manifests/1": index("linux", runtime.GOARCH), "manifests/sha256:mine": image(layer(plain, "sha256:l", 7)),
				"manifests/sha256:other": image(layer(plain, "sha256:l", 8)), "blobs/sha256:config": one,
			},
			want: worker.PullSize{Layers: 1, Packed: 7, Unpacked: 7},
		},
		"for other platforms only": {shelf: shelf{"manifests/1": index("linux", "vax")}, err: "no image for linux/" + runtime.GOARCH},
		"no image":                 {shelf: shelf{}, err: "the registry answers 404 Not Found"},
		"no JSON":                  {shelf: shelf{"manifests/1": "<html>"}, err: "invalid character"},
		"an old kind":              {shelf: shelf{"manifests/1": `{"fsLayers":[]}`}, err: "of a kind that is unknown"},
		"layers that do not match": {shelf: shelf{"manifests/1": image(), "blobs/sha256:config": one}, err: "has 0 layers and lists 1"},
		"without its config":       {shelf: shelf{"manifests/1": image()}, err: "blobs/sha256:config"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(c.shelf)
			defer server.Close()
			got, err := engine.PullSize(t.Context(), strings.TrimPrefix(server.URL, "http://")+"/a:1")
			if got != c.want || (c.err == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("%+v, %v, want %+v and %q", got, err, c.want, c.err)
			}
		})
	}
}

// A registry with a certificate that nobody vouches for is taken where the engine takes it.
func TestPullSizeOverTLSAtLoopback(t *testing.T) {
	server := httptest.NewTLSServer(shelf{"manifests/1": `{"config":{"digest":"sha256:config"},"layers":[]}`, "blobs/sha256:config": `{}`})
	defer server.Close()
	engine := newEngine(t, rig.Docker(t), docker.Options{Device: rig.Name("device")})
	if got := pullSize(t, engine, strings.TrimPrefix(server.URL, "https://")+"/a:1"); got != (worker.PullSize{}) {
		t.Errorf("%+v, want nothing", got)
	}
}
