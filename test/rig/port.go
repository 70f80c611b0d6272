package rig

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

// Reserved ports lie below those that Linux gives to outgoing connections (from 32768), so that no
// connection of anybody takes one between two uses.
const (
	firstPort = 20000
	lastPort  = 31999
)

// FreePorts is the first of n consecutive TCP ports that nothing listens on, and that no other test is
// given until this one has ended, in this process or another.
func FreePorts(t testing.TB, n int) int {
	t.Helper()
	first, release, err := ReservePorts(n)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	return first
}

// ReservePorts is the first of n consecutive TCP ports that nothing listens on, and that no other caller
// is given before release, in this process or another.
func ReservePorts(n int) (first int, release func(), err error) {
	dir := filepath.Join(os.TempDir(), "muster-test-ports")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return 0, nil, fmt.Errorf("reserve ports: %w", err)
	}
	for range 1000 {
		first := firstPort + rand.IntN(lastPort-firstPort-n+2)
		if release, err := reserve(dir, first, n); err == nil {
			return first, release, nil
		}
	}
	return 0, nil, fmt.Errorf("reserve ports: found no %d in a row that are free in %d-%d", n, firstPort, lastPort)
}

// reserve locks one file per port. The kernel drops the locks of a process that dies.
func reserve(dir string, first, n int) (release func(), err error) {
	var locks []*os.File
	release = func() {
		for _, lock := range locks {
			_ = lock.Close()
		}
	}
	for port := first; port < first+n; port++ {
		lock, err := os.OpenFile(filepath.Join(dir, strconv.Itoa(port)), os.O_CREATE|os.O_RDWR, 0o666)
		if err != nil {
			release()
			return nil, err
		}
		locks = append(locks, lock)
		if err := errors.Join(syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB), tryListen(port)); err != nil {
			release()
			return nil, err
		}
	}
	return release, nil
}

// tryListen finds out whether anything listens on the port, on any address of the machine.
func tryListen(port int) error {
	listener, err := net.Listen("tcp", ":"+strconv.Itoa(port))
	if err != nil {
		return err
	}
	return listener.Close()
}
