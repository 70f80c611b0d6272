package enginetest

import (
	"strings"
	"testing"

	"muster/worker"
)

func testFacts(t *testing.T, h Harness) {
	facts, err := h.Engine.Facts(t.Context())
	if err != nil {
		t.Fatalf("Facts: %v", err)
	}
	if facts.CPUs < 1 || facts.MemoryMB < 1 {
		t.Errorf("Facts = %+v, want at least one CPU and one megabyte", facts)
	}
	if facts.Hostname == "" || facts.OS == "" || facts.Kernel == "" || facts.Architecture == "" || facts.Version == "" {
		t.Errorf("Facts = %+v, want what it is for people", facts)
	}
}

func testImages(t *testing.T, h Harness) {
	var seen []worker.PullProgress
	if err := h.Engine.Pull(t.Context(), h.Forever, func(p worker.PullProgress) { seen = append(seen, p) }); err != nil {
		t.Fatalf("Pull: %v", err)
	}
	for _, p := range seen {
		if p.Done < 0 || p.Done > p.Total {
			t.Errorf("progress %+v: done is not between 0 and total", p)
		}
	}
	if id, err := h.Engine.ImageID(t.Context(), h.Forever); err != nil || id == "" {
		t.Errorf("ImageID after a pull = %q, %v, want one", id, err)
	}
	if err := h.Engine.Pull(t.Context(), h.Forever, nil); err != nil {
		t.Errorf("Pull of an image that is present: %v", err)
	}
}

func testPullMissing(t *testing.T, h Harness) {
	err := h.Engine.Pull(t.Context(), h.Missing, nil)
	if err == nil {
		t.Fatal("Pull of an image that no registry has succeeded")
	}
	if !strings.Contains(err.Error(), h.Missing) {
		t.Errorf("Pull: %q does not name the image %s", err, h.Missing)
	}
	if id, err := h.Engine.ImageID(t.Context(), h.Missing); err != nil || id != "" {
		t.Errorf("ImageID after a failed pull = %q, %v, want none", id, err)
	}
}
