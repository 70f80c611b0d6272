package worker

import (
	"os"
	"path/filepath"
	"testing"

	"muster/topics"
)

func TestAppliedOutlivesTheWorker(t *testing.T) {
	dir := t.TempDir()
	want := topics.Version{Epoch: "01JD0000000000000000000000", ConfigID: 7}
	if got, err := loadApplied(dir, "shops"); err != nil || !got.IsZero() {
		t.Errorf("without a file: %v, %v", got, err)
	}
	if err := saveApplied(dir, "shops", want); err != nil {
		t.Fatal(err)
	}
	if got, err := loadApplied(dir, "shops"); err != nil || got != want {
		t.Errorf("read %v, %v, want %v", got, err, want)
	}
	if got, err := loadApplied(dir, "elsewhere"); err != nil || !got.IsZero() {
		t.Errorf("a version of another group: %v, %v", got, err)
	}
	for _, content := range []string{"", "nonsense", `{"device_group":"shops","epoch":"x","config_id":1}`, `{"device_group":"shops","config_id":"1"}`} {
		if err := os.WriteFile(filepath.Join(dir, appliedFile), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := loadApplied(dir, "shops"); err == nil || !got.IsZero() {
			t.Errorf("%q is read as %v, %v", content, got, err)
		}
	}
}
