package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/flock"
)

func containsAll(s string, parts ...string) bool {
	for _, part := range parts {
		if !strings.Contains(s, part) {
			return false
		}
	}
	return true
}

// TestOpenErrors has the one error for each say which file it is about and what to do.
func TestOpenErrors(t *testing.T) {
	sqlFile := func(t *testing.T, p string, statements ...string) {
		db, err := sql.Open("sqlite", p)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		for _, s := range statements {
			if _, err := db.Exec(s); err != nil {
				t.Fatalf("%s: %v", s, err)
			}
		}
	}
	for name, test := range map[string]struct {
		prepare func(t *testing.T, p string)
		want    []string
	}{
		"not a database": {func(t *testing.T, p string) {
			overwrite(t, p, bytes.Repeat([]byte("this is a letter\n"), 1000))
		}, []string{"this is no store", "restore a backup"}},
		"header only": {func(t *testing.T, p string) {
			seed(t, p)
			data, err := os.ReadFile(p)
			if err != nil {
				t.Fatal(err)
			}
			overwrite(t, p, data[:5000])
		}, []string{"the file is damaged", "restore a backup"}},
		"damaged schema": {func(t *testing.T, p string) {
			seed(t, p)
			damage(t, p, 100, 4096)
		}, []string{"the file is damaged", "restore a backup"}},
		"newer schema": {func(t *testing.T, p string) {
			seed(t, p)
			sqlFile(t, p, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)`)
		}, []string{"newer version of Muster", "schema 999", "knows 6"}},
		"another program's": {func(t *testing.T, p string) {
			sqlFile(t, p, `CREATE TABLE photos (id INTEGER)`)
		}, []string{"belongs to another program", "path of its own"}},
		"another program's, marked": {func(t *testing.T, p string) {
			sqlFile(t, p, `PRAGMA application_id = 42`)
		}, []string{"belongs to another program", "path of its own"}},
		"a directory": {func(t *testing.T, p string) {
			if err := os.Mkdir(p, 0o700); err != nil {
				t.Fatal(err)
			}
		}, []string{"let this user write to the file"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := path(t)
			test.prepare(t, p)
			before, _ := os.ReadFile(p)
			s, err := Open(t.Context(), Options{Path: p, Log: discard})
			if err == nil {
				s.Close()
				t.Fatal("it was opened")
			}
			if !containsAll(err.Error(), append(test.want, "store "+p+": ")...) {
				t.Errorf("got %q, want it to say %q", err, test.want)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %q", err)
			}
			if after, _ := os.ReadFile(p); !bytes.Equal(before, after) {
				t.Error("the file was altered")
			}
		})
	}
	t.Run("missing directory", func(t *testing.T) {
		p := filepath.Join(t.TempDir(), "none", "store.db")
		_, err := Open(t.Context(), Options{Path: p, Log: discard})
		if err == nil || !containsAll(err.Error(), p, "make the directory") {
			t.Errorf("got %v", err)
		}
	})
}

// TestDamagedPage damages the part of the file that holds payloads: the store opens, and reading them
// says what is wrong instead of giving wrong bytes.
func TestDamagedPage(t *testing.T) {
	p := path(t)
	seed(t, p)
	info, err := os.Stat(p)
	if err != nil {
		t.Fatal(err)
	}
	damage(t, p, 40*4096, info.Size()-40*4096)
	s := mustOpen(t, p)
	_, err = s.Snapshots().Heads(t.Context())
	if err == nil || !containsAll(err.Error(), p, "the file is damaged", "restore a backup") {
		t.Errorf("got %v", err)
	}
}

// seed makes a store with something in it.
func seed(t *testing.T, p string) {
	t.Helper()
	s, err := Open(t.Context(), Options{Path: p, Log: discard})
	if err != nil {
		t.Fatal(err)
	}
	for id := range int64(50) {
		if err := s.Snapshots().Append(t.Context(), snap("g", id+1, 10_000)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func overwrite(t *testing.T, p string, data []byte) {
	t.Helper()
	if err := os.WriteFile(p, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// damage overwrites a part of a file.
func damage(t *testing.T, p string, offset, length int64) {
	t.Helper()
	f, err := os.OpenFile(p, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(bytes.Repeat([]byte{0xa5}, int(length)), offset); err != nil {
		t.Fatal(err)
	}
}

// TestOddPaths keeps stores under names that mean something in a URL.
func TestOddPaths(t *testing.T) {
	for _, name := range []string{"a?mode=memory", "a#b", "a%20b", "a b", ":memory:", "ü&_pragma=x"} {
		p := filepath.Join(t.TempDir(), name)
		seed(t, p)
		if info, err := os.Stat(p); err != nil || info.Size() < 500_000 {
			t.Errorf("%q: the store is not in that file: %v", name, err)
		}
	}
	t.Chdir(t.TempDir())
	seed(t, "relative.db")
	if _, err := os.Stat("relative.db"); err != nil {
		t.Error(err)
	}
}

// TestOnlyTheOwnerReads is about the env_vars of apps, which are often secret.
func TestOnlyTheOwnerReads(t *testing.T) {
	p := path(t)
	s := mustOpen(t, p)
	if err := s.Snapshots().Append(t.Context(), snap("g", 1, 1)); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(p + "*")
	if err != nil || len(files) != 4 {
		t.Fatalf("got files %q, want the database, its log, its index and the lock", files)
	}
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode&0o077 != 0 {
			t.Errorf("%s has mode %v", filepath.Base(f), mode)
		}
	}
}

// TestReplacedFile restores a "backup" under a running store, which must not go on with the old file.
func TestReplacedFile(t *testing.T) {
	for name, replace := range map[string]func(t *testing.T, p string){
		"removed": func(t *testing.T, p string) {
			if err := os.Remove(p); err != nil {
				t.Fatal(err)
			}
		},
		"replaced": func(t *testing.T, p string) {
			backup := path(t)
			seed(t, backup)
			if err := os.Rename(backup, p); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := path(t)
			var log bytes.Buffer
			s, err := Open(t.Context(), Options{Path: p, Log: slog.New(slog.NewTextHandler(&log, nil))})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Ping(t.Context()); err != nil {
				t.Errorf("ping before: %v", err)
			}
			replace(t, p)
			_, read := s.Apps().Names(t.Context())
			for what, err := range map[string]error{
				"read":   read,
				"append": s.Snapshots().Append(t.Context(), snap("g", 1, 1)),
				"ping":   s.Ping(t.Context()),
			} {
				if err == nil || !containsAll(err.Error(), p, "replaced", "put the file or a backup back") {
					t.Errorf("%s: got %v", what, err)
				}
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if got := strings.Count(log.String(), "store cannot be written"); got != 1 || !containsAll(log.String(), p, "backup") {
				t.Errorf("logged %d times: %s", got, log.String())
			}
		})
	}
}

// TestOpenWaitsItsTurn has another manager be preparing the file.
func TestOpenWaitsItsTurn(t *testing.T) {
	p := path(t)
	other := flock.New(p + ".lock")
	if err := other.Lock(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Open(ctx, Options{Path: p, Log: discard}); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), p) {
		t.Errorf("got %v, want it to wait", err)
	}
	if _, err := os.Stat(p); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file was touched: %v", err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, p)
}

// TestCloseLeavesOneFile is about backups: after a clean end all is in the one file.
func TestCloseLeavesOneFile(t *testing.T) {
	p := path(t)
	seed(t, p)
	if files, err := filepath.Glob(p + "-*"); err != nil || len(files) != 0 {
		t.Errorf("there are also %q", files)
	}
}
