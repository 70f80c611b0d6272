package spool_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"muster/bridge"
)

// A disk that fails ends the spool: nothing is acknowledged any more, whoever waits is told, and what was acknowledged before is there
// after the next start.
func TestBrokenDisk(t *testing.T) {
	path := pathIn(t)
	s := openAt(t, path, "store")
	appendAll(t, s, report("d1", 1))
	s.Done("store", 1)
	appendAll(t, s, report("d1", 2))
	waiting := make(chan error, 1)
	go func() {
		for {
			batch, err := s.Read("store", 10)
			if err == nil {
				s.Done("store", batch[len(batch)-1].Offset)
				err = s.Wait(context.Background(), "store")
			}
			if err != nil {
				waiting <- err
				return
			}
		}
	}()
	breakFile(t, path)
	err := s.Append(t.Context(), report("d1", 3))
	if !errors.Is(err, syscall.EIO) || errors.Is(err, bridge.ErrFull) {
		t.Errorf("Append returned %v", err)
	}
	if err := s.Append(t.Context(), report("d1", 3)); !errors.Is(err, syscall.EIO) {
		t.Errorf("the next Append returned %v", err)
	}
	if err := <-waiting; !errors.Is(err, syscall.EIO) {
		t.Errorf("who waited to read got %v", err)
	}
	_ = s.Close()
	all := readAll(t, openAt(t, path, "store"), "store")
	if len(all) == 0 || all[len(all)-1].Seq != 2 {
		t.Errorf("there are %+v", all)
	}
}

// breakFile has each write to a file that this process has open fail with an I/O error.
func breakFile(t *testing.T, path string) {
	t.Helper()
	fds, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err != nil || to != path {
			continue
		}
		var number int
		for _, digit := range filepath.Base(fd) {
			number = 10*number + int(digit-'0')
		}
		// There is no memory at the addresses below 1 MiB that the spool's pages have as offsets.
		nowhere, err := os.OpenFile("/proc/self/mem", os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer nowhere.Close()
		if err := syscall.Dup3(int(nowhere.Fd()), number, syscall.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Fatalf("%s is not open", path)
}

// What is no damage is not called so: nobody is to move the file away for it.
func TestWhatIsNoDamage(t *testing.T) {
	path, _ := filled(t)
	if why := refused(t, filepath.Join(path, "spool")); strings.Contains(why, "damaged") || !strings.Contains(why, syscall.ENOTDIR.Error()) {
		t.Error(why)
	}
}
