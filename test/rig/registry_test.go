package rig_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"muster/test/rig"
)

func TestRegistryKeepsWhatItWasGiven(t *testing.T) {
	registry := rig.NewRegistry(t)
	ref := registry.Push(t, "hello", rig.Hello{Version: "v1", Padding: 1 << 20})
	if want := registry.Addr + "/hello:v1"; ref != want {
		t.Errorf("pushed as %s, want %s", ref, want)
	}
	before := layers(t, registry.Addr, "hello", "v1")
	if len(before) != 2 || before[1] < 1<<20 {
		t.Fatalf("layers of %d bytes, want the program and 1 MiB that do not compress", before)
	}

	if err := registry.Stop(); err != nil {
		t.Fatal(err)
	}
	if answer, err := http.Get("http://" + registry.Addr + "/v2/"); err == nil {
		answer.Body.Close()
		t.Fatal("a stopped registry answers")
	}
	if err := registry.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after := layers(t, registry.Addr, "hello", "v1"); len(after) != 2 || after[1] != before[1] {
		t.Errorf("layers of %d bytes after a restart, want %d", after, before)
	}
}

func TestPushToARegistryThatIsDownFails(t *testing.T) {
	registry := rig.NewRegistry(t)
	if err := registry.Stop(); err != nil {
		t.Fatal(err)
	}
	image, err := rig.BuildImage(t.Context(), rig.Hello{Version: "v1"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rig.PushImage(t.Context(), registry.Addr, "hello", "v1", image); err == nil {
		t.Error("pushed to nowhere")
	}
}

// layers asks the registry for an image's manifest and returns the sizes of its layers in bytes.
func layers(t *testing.T, addr, name, tag string) []int {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, "http://"+addr+"/v2/"+name+"/manifests/"+tag, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "application/vnd.docker.distribution.manifest.v2+json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var manifest struct{ Layers []struct{ Size int } }
	if err := json.NewDecoder(answer.Body).Decode(&manifest); err != nil {
		t.Fatal(err)
	}
	var sizes []int
	for _, layer := range manifest.Layers {
		sizes = append(sizes, layer.Size)
	}
	return sizes
}
