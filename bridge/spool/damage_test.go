package spool_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"muster/bridge"
	"muster/bridge/spool"
)

// refused opens a spool that must not open, and returns why.
func refused(t *testing.T, path string) string {
	t.Helper()
	s, err := spool.Open(spool.Options{Path: path, Sinks: []string{"store"}})
	if err == nil {
		_ = s.Close()
		t.Fatal("it opens")
	}
	return err.Error()
}

func TestASecondProcessIsRefused(t *testing.T) {
	path := pathIn(t)
	openAt(t, path, "store")
	if why := refused(t, path); !strings.Contains(why, "another process has it open") {
		t.Error(why)
	}
}

// filled is the content of a spool with 200 records, and its path.
func filled(t *testing.T) (path string, content []byte) {
	t.Helper()
	path = pathIn(t)
	s := openAt(t, path, "store")
	var records []bridge.Record
	for n := range int64(200) {
		r := large(n)
		r.Payload = append(fmt.Appendf(nil, "number %d,", n), r.Payload...)
		records = append(records, r)
	}
	appendAll(t, s, records...)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return path, content
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A file that is not whole is refused in clear words, and left as it is.
func TestTornFileIsRefused(t *testing.T) {
	path, content := filled(t)
	for _, size := range []int{1, 4096, 10_000, len(content) / 3} {
		write(t, path, content[:size])
		if why := refused(t, path); !strings.Contains(why, path+" is damaged") || !strings.Contains(why, "Move it away") {
			t.Errorf("with %d bytes: %s", size, why)
		}
		if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, content[:size]) {
			t.Errorf("the file with %d bytes is changed (%v)", size, err)
		}
	}
}

// What is left of a file whose making was interrupted holds nothing.
func TestFileThatWasNotMade(t *testing.T) {
	path, _ := filled(t)
	write(t, path+".new", []byte("half"))
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	s := openAt(t, path, "store")
	appendAll(t, s, report("d1", 1))
}

// A record that has rotted on the disk is told from others, and holds up none of them.
func TestRottenRecord(t *testing.T) {
	path, content := filled(t)
	write(t, path, bytes.ReplaceAll(content, []byte("number 99,"), []byte("number 98,")))
	var flawed []uint64
	for i, r := range readAll(t, openAt(t, path, "store"), "store") {
		if r.Offset != uint64(i)+1 {
			t.Fatalf("record %d has offset %d", i, r.Offset)
		}
		if r.Flaw != "" {
			flawed = append(flawed, r.Offset)
		}
	}
	if diff := cmp.Diff([]uint64{100}, flawed); diff != "" {
		t.Errorf("flawed (-want +got):\n%s", diff)
	}
}
