package spool_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"

	"muster/bridge"
	"muster/bridge/spool"
)

const killedDevices = 8

// appendForever appends numbered reports of some devices at once, and prints those that were acknowledged. A sink reads along.
func appendForever(args []string) error {
	ctx := context.Background()
	s, err := spool.Open(spool.Options{Path: args[0], Sinks: []string{"fast", "slow"}})
	if err != nil {
		return err
	}
	first, err := strconv.ParseInt(args[1], 10, 64)
	if err != nil {
		return err
	}
	ended := make(chan error)
	var out sync.Mutex
	for d := range killedDevices {
		go func() {
			for n := first; ; n++ {
				if err := s.Append(ctx, report(fmt.Sprint("d", d), n)); err != nil {
					ended <- err
					return
				}
				out.Lock()
				fmt.Println(d, n)
				out.Unlock()
			}
		}()
	}
	go func() {
		for {
			batch, err := s.Read("fast", 10)
			if err != nil {
				ended <- err
				return
			}
			if len(batch) > 0 {
				s.Done("fast", batch[len(batch)-1].Offset)
			}
		}
	}()
	return <-ended
}

// A process that appends is killed at any moment, again and again. What it had acknowledged is there, in the order in
// which it was, until the slowest sink has done it.
func TestKill(t *testing.T) {
	path := pathIn(t)
	acknowledged := map[string]int64{}
	for round := range int64(8) {
		first := round * 1_000_000
		cmd := child(t, "append", path, strconv.FormatInt(first, 10))
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines, before := bufio.NewScanner(out), len(acknowledged)
		for kill := 1 + rand.IntN(300); lines.Scan(); kill-- {
			device, n, _ := strings.Cut(lines.Text(), " ")
			if _, err := strconv.ParseInt(n, 10, 64); err != nil {
				break // cut short by the kill
			}
			acknowledged[fmt.Sprintf("d%s %s", device, n)] = round
			if kill == 0 {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait()
		if len(acknowledged) == before {
			t.Fatal("nothing was acknowledged in this round")
		}
	}
	s := openAt(t, path, "fast", "slow")
	last := map[string]int64{}
	var offset uint64
	for _, r := range readAll(t, s, "slow") {
		if r.Offset != offset+1 || r.Seq <= last[r.Device] && last[r.Device] != 0 {
			t.Fatalf("%s's %d at offset %d comes after its %d and offset %d", r.Device, r.Seq, r.Offset, last[r.Device], offset)
		}
		offset, last[r.Device] = r.Offset, r.Seq
		delete(acknowledged, fmt.Sprintf("%s %d", r.Device, r.Seq))
	}
	if len(acknowledged) > 0 {
		t.Errorf("%d reports that were acknowledged are lost, such as %v", len(acknowledged), acknowledged)
	}
	t.Logf("%d reports", offset)
}

// readAll reads all that the sink has not done.
func readAll(t *testing.T, s *spool.Spool, sink string) (all []bridge.Record) {
	t.Helper()
	for {
		batch := read(t, s, sink, 1000)
		if len(batch) == 0 {
			return all
		}
		all = append(all, batch...)
		s.Done(sink, batch[len(batch)-1].Offset)
	}
}
