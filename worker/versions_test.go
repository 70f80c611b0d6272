package worker

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"muster/topics"
)

func TestVersionsOutliveTheWorker(t *testing.T) {
	dir := t.TempDir()
	if got, err := loadVersions(dir); err != nil || len(got) != 0 {
		t.Errorf("without a file: %v, %v", got, err)
	}
	bad := web(withID(2), onPorts(80, 81))
	want := gaveUp(web(onPorts(80)), bad)
	if err := want.save(dir); err != nil {
		t.Fatal(err)
	}
	got, err := loadVersions(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(topics.Port{})); diff != "" {
		t.Errorf("what was written is read as (-want +got):\n%s", diff)
	}
	if !got["web"].isFailed(bad) || !got["web"].isProven(web(onPorts(80))) {
		t.Error("what was read does not know its own versions again")
	}
	for _, content := range []string{"", "null", "nonsense", `{"web":[]}`, `{"api":{"good":{"app":{"app_name":"web"}}}}`} {
		if err := os.WriteFile(filepath.Join(dir, versionsFile), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := loadVersions(dir); err == nil || got == nil || len(got) != 0 {
			t.Errorf("%q is read as %v, %v", content, got, err)
		}
	}
	if !want.forget(map[string]topics.App{"api": {}}) || len(want) != 0 || want.forget(nil) {
		t.Errorf("after the app has gone there is %v", want)
	}
}
