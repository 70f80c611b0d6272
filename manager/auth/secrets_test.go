package auth_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"muster/manager/auth"
)

func TestPasswordOfTheFirstStart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not", "there", "yet")
	first, created, err := auth.LoadOrCreate(dir, "")
	if err != nil || !created {
		t.Fatalf("first start: created %v, %v", created, err)
	}
	if !regexp.MustCompile(`^[A-Z0-9]{24,}$`).MatchString(first) {
		t.Errorf("%q is not 24 or more characters that are easy to copy", first)
	}
	path := filepath.Join(dir, auth.AdminPasswordFile)
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v, want mode 0600", info.Mode(), err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != first+"\n" {
		t.Errorf("the file holds %q, %v, want one line with the password", got, err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("left behind: %v", files)
	}

	second, created, err := auth.LoadOrCreate(dir, "")
	if err != nil || created || second != first {
		t.Errorf("second start: %v %v %v, want the password of the first", second == first, created, err)
	}
}

func TestAConfiguredPasswordIsNotWritten(t *testing.T) {
	dir := t.TempDir()
	got, created, err := auth.LoadOrCreate(dir, "mine")
	if err != nil || created || got != "mine" {
		t.Fatalf("%q, created %v, %v", got, created, err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 0 {
		t.Errorf("the configured password has a file: %v", files)
	}
	if err := os.WriteFile(filepath.Join(dir, auth.AdminPasswordFile), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if got, created, err = auth.LoadOrCreate(dir, "mine"); got != "mine" || created || err != nil {
		t.Errorf("%q %v %v: the file should not matter when the password is configured", got, created, err)
	}
}

func TestSecretFiles(t *testing.T) {
	for _, tc := range []struct {
		name, content string
		mode          os.FileMode
		want, err     string
	}{
		{"without newline", "pa ss", 0o600, "pa ss", ""},
		{"with newline", "pass\n", 0o600, "pass", ""},
		{"from Windows", "pass\r\n", 0o600, "pass", ""},
		{"read-only", "pass\n", 0o400, "pass", ""},
		{"only one newline is taken off", "pass\n\n", 0o600, "", "one line"},
		{"empty", "", 0o600, "", "is empty"},
		{"only a newline", "\n", 0o600, "", "is empty"},
		{"two lines", "a\nb\n", 0o600, "", "one line"},
		{"binary", "a\x00b\n", 0o600, "", "one line"},
		{"huge", strings.Repeat("x", 5000), 0o600, "", "at most 4096 bytes"},
		{"group may read", "pass\n", 0o640, "", "chmod 600"},
		{"others may read", "pass\n", 0o604, "", "chmod 600"},
		{"others may write", "pass\n", 0o602, "", "chmod 600"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, auth.AdminPasswordFile)
			if err := os.WriteFile(path, []byte(tc.content), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, tc.mode); err != nil { // not subject to the umask
				t.Fatal(err)
			}
			got, _, err := auth.LoadOrCreate(dir, "")
			if tc.err == "" {
				if err != nil || got != tc.want {
					t.Errorf("%q, %v, want %q", got, err, tc.want)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tc.err) || !strings.Contains(err.Error(), path) {
				t.Fatalf("error %v, want %q and the path", err, tc.err)
			}
			if got != "" {
				t.Errorf("a password in spite of the error")
			}
			if after, _ := os.ReadFile(path); string(after) != tc.content {
				t.Errorf("the file was changed")
			}
		})
	}
}

func TestSecretFileIsAPipe(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, auth.AdminPasswordFile), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := auth.LoadOrCreate(dir, ""); err == nil {
		t.Error("no error for a pipe")
	}
}

// Many starts at once agree on one password, and none of them reads an unfinished file.
func TestConcurrentFirstStarts(t *testing.T) {
	dir := t.TempDir()
	const starts = 16
	var (
		got   [starts]string
		made  [starts]bool
		errs  [starts]error
		begin = make(chan struct{})
		wg    sync.WaitGroup
	)
	for i := range starts {
		wg.Go(func() {
			<-begin
			got[i], made[i], errs[i] = auth.LoadOrCreate(dir, "")
		})
	}
	close(begin)
	wg.Wait()
	makers := 0
	for i := range starts {
		if errs[i] != nil {
			t.Fatal(errs[i])
		}
		if got[i] != got[0] {
			t.Fatal("two starts have different passwords")
		}
		if made[i] {
			makers++
		}
	}
	if makers != 1 {
		t.Errorf("%d starts say that they made the file, want 1", makers)
	}
}
