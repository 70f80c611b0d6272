package spool_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"muster/bridge"
	"muster/bridge/spool"
)

func init() { children["small disk"] = onSmallDisk }

// TestFullDisk runs in a mount namespace of its own, where it may mount what nobody else sees and what goes away with it.
func TestFullDisk(t *testing.T) {
	cmd := child(t, "small disk", t.TempDir())
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

// onSmallDisk fills a disk before the spool is as large as it may be: what comes is refused, what was taken can be read, and
// when sinks have it, or somebody makes room, the spool goes on.
func onSmallDisk(args []string) error {
	dir := args[0]
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keep mounts to ourselves: %w", err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=2m"); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	ctx, path := context.Background(), filepath.Join(dir, "reports.spool")
	s, err := spool.Open(spool.Options{Path: path, Sinks: []string{"store"}})
	if err != nil {
		return err
	}
	acknowledged, err := untilFull(ctx, s)
	if err != nil {
		return err
	}
	if acknowledged < 50 || s.Stats().Used > 2<<20 {
		return fmt.Errorf("with %d records the counts are %+v", acknowledged, s.Stats())
	}
	var disk syscall.Statfs_t
	if err := syscall.Statfs(dir, &disk); err != nil {
		return err
	}
	if free := disk.Bavail * uint64(disk.Bsize); free < 32<<10 {
		return fmt.Errorf("%d bytes of the disk are left to others, want about a twentieth of 2 MiB", free)
	}
	batch, err := s.Read("store", 1000)
	if err != nil || len(batch) != acknowledged {
		return fmt.Errorf("on a full disk %d of %d records can be read (%w)", len(batch), acknowledged, err)
	}
	s.Done("store", uint64(acknowledged)/2)
	if err := untilTaken(ctx, s); err != nil {
		return fmt.Errorf("after the sink got on: %w", err)
	}
	if _, err := untilFull(ctx, s); err != nil {
		return err
	}
	last := s.Stats().Sinks["store"].Records
	if err := s.Close(); err != nil {
		return err
	}
	if err := fillUp(dir); err != nil {
		return err
	}
	if s, err = spool.Open(spool.Options{Path: path, Sinks: []string{"store"}}); err != nil {
		return fmt.Errorf("on the full disk: %w", err)
	}
	if again := s.Stats().Sinks["store"].Records; again != last {
		return fmt.Errorf("opened on the full disk, %d of %d records are there", again, last)
	}
	if err := s.Close(); err != nil {
		return err
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=8m"); err != nil {
		return fmt.Errorf("make room: %w", err)
	}
	if s, err = spool.Open(spool.Options{Path: path, Sinks: []string{"store"}}); err != nil {
		return err
	}
	if again := s.Stats().Sinks["store"].Records; again != last {
		return fmt.Errorf("opened again, %d of %d records are there", again, last)
	}
	return errors.Join(untilTaken(ctx, s), s.Close())
}

// fillUp takes what room the disk has.
func fillUp(dir string) error {
	rest, err := os.Create(filepath.Join(dir, "rest"))
	if err != nil {
		return err
	}
	defer func() { _ = rest.Close() }()
	for page := make([]byte, 4096); ; {
		if _, err := rest.Write(page); err != nil {
			if errors.Is(err, syscall.ENOSPC) {
				return nil
			}
			return err
		}
	}
}

// untilFull appends until nothing is taken any more, and says how many were.
func untilFull(ctx context.Context, s *spool.Spool) (taken int, err error) {
	for {
		err := s.Append(ctx, large(int64(taken)))
		if errors.Is(err, bridge.ErrFull) {
			return taken, nil
		}
		if err != nil || taken > 1000 {
			return taken, fmt.Errorf("after %d records: got %w", taken, err)
		}
		taken++
	}
}

// untilTaken has many devices try until a record of one is taken.
func untilTaken(ctx context.Context, s *spool.Spool) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	const devices = 8
	results := make(chan error, devices)
	for range devices {
		go func() {
			err := bridge.ErrFull
			for errors.Is(err, bridge.ErrFull) && ctx.Err() == nil {
				err = s.Append(ctx, large(0))
				time.Sleep(time.Millisecond)
			}
			results <- err
		}()
	}
	err := <-results
	cancel()
	for range devices - 1 {
		<-results
	}
	return err
}
