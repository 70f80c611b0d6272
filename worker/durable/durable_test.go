package durable_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"muster/worker/durable"
)

func TestWriteFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	for _, content := range []string{"first", "", "the second one, longer"} {
		if err := durable.WriteFile(path, []byte(content)); err != nil {
			t.Fatalf("WriteFile(%q): %v", content, err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != content {
			t.Errorf("the file holds %q, %v, want %q", got, err, content)
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o600 {
		t.Errorf("mode is %v, want 0600", info.Mode())
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("the directory holds %v, %v, want the file alone", entries, err)
	}
}

func TestWriteLoose(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	for _, content := range []string{"first", "the second one, longer", ""} {
		if err := durable.WriteLoose(path, []byte(content)); err != nil {
			t.Fatalf("WriteLoose(%q): %v", content, err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != content {
			t.Errorf("the file holds %q, %v, want %q", got, err, content)
		}
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("the directory holds %v, %v, want the file alone", entries, err)
	}
}

func TestWriteFileKeepsTheOldWhenTheDiskIsFull(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	if err := durable.WriteFile(path, []byte("old")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/full", path+".tmp"); err != nil {
		t.Fatal(err)
	}
	if err := durable.WriteFile(path, []byte("new")); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("WriteFile to a full disk: %v, want %v", err, syscall.ENOSPC)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "old" {
		t.Errorf("the file holds %q, %v, want %q", got, err, "old")
	}
	if err := durable.WriteFile(path, []byte("new")); err != nil {
		t.Errorf("WriteFile after space was made: %v", err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "new" {
		t.Errorf("the file holds %q, %v, want %q", got, err, "new")
	}
}

func TestMakeDir(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dir")
	for range 2 {
		if err := durable.MakeDir(path); err != nil {
			t.Fatalf("MakeDir: %v", err)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != os.ModeDir|0o700 {
		t.Errorf("made is %v, %v, want a directory, mode 0700", info, err)
	}
	if err := durable.MakeDir(filepath.Join(path, "not", "there")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("MakeDir without a parent: %v", err)
	}
}
