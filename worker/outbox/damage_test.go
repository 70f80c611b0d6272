package outbox_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"muster/worker/outbox"
)

// fileOf is the path of the n-th report that waits, from 0.
func fileOf(t *testing.T, dir string, n int) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) <= n {
		t.Fatalf("files: %v, %v", files, err)
	}
	return files[n]
}

// A file that is not what was written costs that one report, which is counted and logged.
func TestDamagedFiles(t *testing.T) {
	for name, damage := range map[string]func(path string) error{
		"torn":    func(path string) error { return os.Truncate(path, 3) },
		"empty":   func(path string) error { return os.Truncate(path, 0) },
		"altered": func(path string) error { return os.WriteFile(path, []byte(`{"seq":9}`), 0o600) },
		"gone":    os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			dir := place(t)
			add(t, open(dir), numbered(1, 4)...)
			log := &strings.Builder{}
			o := outbox.Open(dir, outbox.DefaultSize, slog.New(slog.NewTextHandler(log, nil)))
			for _, n := range []int{2, 0} {
				if err := damage(fileOf(t, dir, n)); err != nil {
					t.Fatal(err)
				}
			}
			for _, want := range []string{`{"seq":2}`, `{"seq":4}`, ""} {
				if got := take(t, o); got != want {
					t.Errorf("took %q, want %q", got, want)
				}
			}
			if o.Dropped() != 2 || strings.Count(log.String(), "is lost") != 2 {
				t.Errorf("dropped: %d, want 2, log:\n%s", o.Dropped(), log)
			}
			o = open(dir)
			add(t, o, "next")
			if o.Dropped() != 2 {
				t.Errorf("dropped, after a restart: %d", o.Dropped())
			}
			holds(t, o, "next")
		})
	}
}

// A report that cannot be read for a reason that may pass is tried again, a few times, and then holds up the others no more.
func TestReportThatCannotBeRead(t *testing.T) {
	dir := place(t)
	o := open(dir)
	add(t, o, "1", "2", "3")
	spoil := func(path string) {
		t.Helper()
		if err := errors.Join(os.Rename(path, path+".moved"), os.Mkdir(path, 0o700)); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			waiting := o.Len()
			if r, err := o.First(); err == nil || r != nil || o.Len() != waiting {
				t.Fatalf("First: %v, %v, and %d wait", r, err, o.Len())
			}
		}
	}
	first, second := fileOf(t, dir, 0), fileOf(t, dir, 1)
	spoil(first)
	if err := errors.Join(os.Remove(first), os.Rename(first+".moved", first)); err != nil {
		t.Fatal(err)
	}
	if got := take(t, o); got != "1" || o.Dropped() != 0 {
		t.Fatalf("took %q, dropped %d", got, o.Dropped())
	}
	spoil(second)
	for try := 0; o.Len() == 2 && try < 10; try++ {
		if r, _ := o.First(); r != nil && string(r.Payload) != "3" {
			t.Fatalf("First: %q", r.Payload)
		}
	}
	if got := take(t, o); got != "3" || o.Dropped() != 1 {
		t.Errorf("took %q, dropped %d", got, o.Dropped())
	}
}

// Other files are no reports, and are left alone but for what a write left behind.
func TestOtherFiles(t *testing.T) {
	dir := place(t)
	add(t, open(dir), "a")
	foreign := []string{"notes.txt", "1-1.json", "-0000000000000001-00000000.json", "0000000000000000-00000000.json", "0000000000000001-zzzzzzzz.json"}
	for _, name := range append(foreign, "0000000000000007-12345678.json.tmp") {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "0000000000000002-00000000.json"), 0o700); err != nil {
		t.Fatal(err)
	}
	o := open(dir)
	holds(t, o, "a")
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != len(foreign)+1 {
		t.Errorf("left are %v, %v", files, err)
	}
}

func TestCountThatCannotBeRead(t *testing.T) {
	for _, content := range []string{"", "-1", "many"} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "dropped"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		log := &strings.Builder{}
		if o := outbox.Open(dir, outbox.DefaultSize, slog.New(slog.NewTextHandler(log, nil))); o.Dropped() != 0 || !strings.Contains(log.String(), "not known any more") {
			t.Errorf("with %q dropped are %d, log:\n%s", content, o.Dropped(), log)
		}
	}
}

// disk is a directory on a file system of its own, of a size such as "64k".
func disk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("muster-test", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Fatalf("this test mounts a small file system, as root: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// What a full disk does not take is held in memory, in its place in the line, and written when there is room again.
func TestFullDisk(t *testing.T) {
	small := disk(t, "64k")
	dir := filepath.Join(small, "outbox")
	o := open(dir)
	add(t, o, "1", "2")
	filler := filepath.Join(small, "filler")
	if err := os.WriteFile(filler, make([]byte, 1<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
	for _, p := range []string{"3", "4"} {
		if err := o.Add([]byte(p)); !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("Add to a full disk: %v", err)
		}
	}
	if !o.Unsaved() || !errors.Is(o.Save(), syscall.ENOSPC) {
		t.Error("the outbox does not say that reports are not on the disk")
	}
	if got := take(t, o); got != "1" {
		t.Errorf("took %q, want 1", got)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if err := o.Save(); err != nil || o.Unsaved() {
		t.Errorf("Save: %v, with room again", err)
	}
	add(t, o, "5")
	o = open(dir)
	if o.Dropped() != 0 {
		t.Errorf("dropped: %d", o.Dropped())
	}
	holds(t, o, "2", "3", "4", "5")
}

// A directory that is none costs memory, but only so much, and drops are counted.
func TestNoDirectory(t *testing.T) {
	dir := place(t)
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	log := &strings.Builder{}
	o := outbox.Open(dir, outbox.DefaultSize, slog.New(slog.NewTextHandler(log, nil)))
	if !strings.Contains(log.String(), "cannot be looked for") {
		t.Errorf("nothing is logged:\n%s", log)
	}
	large := strings.Repeat("x", 30_000)
	for i := range 100 {
		if err := o.Add([]byte(strconv.Itoa(i) + large)); err == nil {
			t.Fatal("Add claims to have written a report")
		}
	}
	if n := o.Len(); n < 5 || n > 10 || o.Dropped() != int64(100-n) {
		t.Errorf("%d reports are held, and %d dropped", n, o.Dropped())
	}
	last := ""
	for p := take(t, o); p != ""; p = take(t, o) {
		last = p
	}
	if !strings.HasPrefix(last, "99x") {
		t.Errorf("the last one is %.10q", last)
	}
}

// Somebody who removes the directory takes what is in it, and nothing else.
func TestDirectoryIsRemoved(t *testing.T) {
	dir := place(t)
	o := open(dir)
	add(t, o, "1")
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := o.Add([]byte("2")); err == nil {
		t.Error("Add claims to have written a report")
	}
	add(t, o, "3")
	if got := take(t, o); got != "2" || o.Dropped() != 1 {
		t.Errorf("took %q, dropped %d, want the 2nd, and the first dropped", got, o.Dropped())
	}
	holds(t, open(dir), "3")
}
