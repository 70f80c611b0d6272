package sqlite

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"muster/manager/store"
)

// child prepares a process that runs one of the children.
func child(t *testing.T, part string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), childVariable+"="+part)
	cmd.Stderr = os.Stderr
	return cmd
}

// appendForever appends snapshots to eight groups at once, and says which ones were acknowledged.
func appendForever(args []string) error {
	ctx := context.Background()
	s, err := Open(ctx, Options{Path: args[0], Log: discard})
	if err != nil {
		return err
	}
	errs := make(chan error)
	var out sync.Mutex
	for i := range 8 {
		go func() {
			group := fmt.Sprint("group-", i)
			latest, _ := s.Snapshots().Latest(ctx, group)
			for id := latest.ConfigID + 1; ; id++ {
				err := s.Snapshots().Append(ctx, snap(group, id, 2000))
				if errors.Is(err, store.ErrConflict) {
					continue // another process has it
				}
				if isBusy(err) {
					id-- // the others were always faster: refused, and to be tried again
					continue
				}
				if err != nil {
					errs <- err
					return
				}
				out.Lock()
				fmt.Println(group, id)
				out.Unlock()
			}
		}()
	}
	return <-errs
}

// TestKill kills a process that appends, at any moment, again and again. What it had acknowledged must be
// there, and the file must be as good as new.
func TestKill(t *testing.T) {
	p := path(t)
	acknowledged := map[string]int64{}
	for round := range 8 {
		cmd := child(t, "append", p)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		before := len(acknowledged)
		var once sync.Once
		for lines.Scan() {
			group, id, ok := strings.Cut(lines.Text(), " ")
			n, err := strconv.ParseInt(id, 10, 64)
			if !ok || err != nil {
				break // the last line may be cut off
			}
			acknowledged[group] = max(acknowledged[group], n)
			once.Do(func() {
				time.AfterFunc(rand.N(100*time.Millisecond), func() { _ = cmd.Process.Kill() })
			})
		}
		_ = cmd.Wait() // it was killed
		if len(acknowledged) == before && before == 0 {
			t.Fatalf("round %d: nothing was acknowledged", round)
		}
		s, err := Open(t.Context(), Options{Path: p, Log: discard})
		if err != nil {
			t.Fatal(err)
		}
		for group, id := range acknowledged {
			got, err := s.Snapshots().Get(t.Context(), group, id)
			if err != nil || len(got.Payload) != 2000 {
				t.Errorf("round %d: %s/%d was acknowledged: %v", round, group, id, err)
			}
		}
		checkIntegrity(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestProcessesShareAFile has two processes append to the same groups, and this one to another, as fast as they
// can: nobody fails but for being too late for too long, which SQLite does not rule out, and nothing is
// acknowledged twice.
func TestProcessesShareAFile(t *testing.T) {
	p := path(t)
	s := mustOpen(t, p)
	const processes, enough = 2, 200
	var mu sync.Mutex
	acknowledged := map[string]int{}
	total := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(acknowledged)
	}
	var wg sync.WaitGroup
	var kill []func()
	for range processes {
		cmd := child(t, "append", p)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		kill = append(kill, func() { _ = cmd.Process.Kill() })
		wg.Go(func() {
			for lines := bufio.NewScanner(out); lines.Scan(); {
				mu.Lock()
				acknowledged[lines.Text()]++
				mu.Unlock()
			}
			_ = cmd.Wait()
		})
	}
	var mine int64
	until(t, "all append", func() bool {
		if err := s.Snapshots().Append(t.Context(), snap("mine", mine+1, 100)); err == nil {
			mine++
		} else if !isBusy(err) {
			t.Fatal(err)
		}
		return total() >= enough
	})
	for _, k := range kill {
		k()
	}
	wg.Wait()
	for line, times := range acknowledged {
		if times != 1 {
			t.Errorf("%s was acknowledged %d times", line, times)
		}
	}
	if latest, err := s.Snapshots().Latest(t.Context(), "mine"); err != nil || latest.ConfigID != mine {
		t.Errorf("the last snapshot is %d, %v, want %d", latest.ConfigID, err, mine)
	}
	checkIntegrity(t, s)
}

func checkIntegrity(t *testing.T, s *Store) {
	t.Helper()
	var verdict string
	if err := s.reads.QueryRowContext(t.Context(), `PRAGMA integrity_check`).Scan(&verdict); err != nil || verdict != "ok" {
		t.Errorf("integrity: %q, %v", verdict, err)
	}
}
