package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func init() {
	children["small disk"] = onSmallDisk
	children["read-only disk"] = onReadOnlyDisk
}

// onDisk runs a child in a mount namespace of its own, where it may mount what nobody else sees and what
// goes away with it. Root may do so anywhere, others where user namespaces are allowed.
func onDisk(t *testing.T, part string) {
	t.Helper()
	cmd := child(t, part, t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v (it needs root, or user namespaces):\n%s", err, out.String())
	}
}

func mount(dir string, flags uintptr, options string) error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keep mounts to ourselves: %w", err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", flags, options); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	return nil
}

func TestFullDisk(t *testing.T) { onDisk(t, "small disk") }

// onSmallDisk fills a disk: the store says so, keeps what it has acknowledged, and goes on by itself once
// there is room again.
func onSmallDisk(args []string) error {
	ctx := context.Background()
	dir := args[0]
	if err := mount(dir, 0, "size=4m"); err != nil {
		return err
	}
	p := filepath.Join(dir, "store.db")
	var log bytes.Buffer
	s, err := Open(ctx, Options{Path: p, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		return err
	}
	if err := s.Snapshots().Append(ctx, snap("g", 1, 1000)); err != nil {
		return err
	}
	earlier := filepath.Join(dir, "earlier.db")
	before, err := Open(ctx, Options{Path: earlier, Log: discard})
	if err != nil {
		return err
	}
	if err := before.Close(); err != nil {
		return err
	}
	ballast := filepath.Join(dir, "ballast")
	if err := fill(ballast); err != nil {
		return err
	}
	acknowledged := int64(1)
	for _, size := range []int{60_000, 1} { // where a large one does not fit, a small one may
		var full error
		for full == nil && acknowledged < 5000 {
			if full = s.Snapshots().Append(ctx, snap("g", acknowledged+1, size)); full == nil {
				acknowledged++
			}
		}
		if full == nil || !containsAll(full.Error(), p, "the disk is full", "make room") {
			return fmt.Errorf("on a full disk: got %w", full)
		}
	}
	if err := s.Ping(ctx); err == nil || !strings.Contains(err.Error(), "the disk is full") {
		return fmt.Errorf("ping on a full disk: got %w", err)
	}
	check := func(when string) error {
		latest, err := s.Snapshots().Latest(ctx, "g")
		if err != nil || latest.ConfigID != acknowledged {
			return fmt.Errorf("%s: latest is %d (%w), want %d", when, latest.ConfigID, err, acknowledged)
		}
		return nil
	}
	if err := check("on a full disk"); err != nil {
		return err
	}
	for _, path := range []string{filepath.Join(dir, "other.db"), earlier} {
		if _, err := Open(ctx, Options{Path: path, Log: discard}); err == nil || !containsAll(err.Error(), path, "the disk is full") {
			return fmt.Errorf("%s opened on a full disk: got %w", path, err)
		}
	}

	if err := os.Remove(ballast); err != nil {
		return err
	}
	if err := s.Ping(ctx); err != nil {
		return fmt.Errorf("ping with room again: %w", err)
	}
	if err := s.Snapshots().Append(ctx, snap("g", acknowledged+1, 60_000)); err != nil {
		return fmt.Errorf("with room again: %w", err)
	}
	acknowledged++
	if err := s.Close(); err != nil {
		return err
	}
	for _, line := range []string{"store cannot be written", "store can be written again"} {
		if n := strings.Count(log.String(), line); n != 1 {
			return fmt.Errorf("%q was logged %d times:\n%s", line, n, log.String())
		}
	}
	if s, err = Open(ctx, Options{Path: p, Log: discard}); err != nil {
		return err
	}
	return errors.Join(check("opened again"), s.Close())
}

// fill writes a file until the disk is full.
func fill(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	for size := 4096; size > 0; {
		if _, err := f.Write(make([]byte, size)); errors.Is(err, syscall.ENOSPC) {
			size /= 2
		} else if err != nil {
			return err
		}
	}
	return nil
}

func TestReadOnlyDisk(t *testing.T) { onDisk(t, "read-only disk") }

// onReadOnlyDisk opens a new store and one that is there on a disk that cannot be written.
func onReadOnlyDisk(args []string) error {
	ctx := context.Background()
	dir := args[0]
	if err := mount(dir, 0, "size=4m"); err != nil {
		return err
	}
	p := filepath.Join(dir, "there.db")
	s, err := Open(ctx, Options{Path: p, Log: discard})
	if err != nil {
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		return err
	}
	for _, p := range []string{p, filepath.Join(dir, "new.db")} {
		if _, err := Open(ctx, Options{Path: p, Log: discard}); err == nil || !containsAll(err.Error(), p, "let this user write") {
			return fmt.Errorf("%s on a read-only disk: got %w", p, err)
		}
	}
	return nil
}
