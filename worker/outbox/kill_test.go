package outbox_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// A process that is killed at any moment leaves every report that it has added and not removed, in order.
func TestKill(t *testing.T) {
	const child = "MUSTER_TEST_OUTBOX"
	if dir := os.Getenv(child); dir != "" {
		fill(t, dir)
		return
	}
	dir := place(t)
	added, removed := 0, 0
	for round := range 15 {
		killed := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKill$")
		killed.Env = append(os.Environ(), child+"="+dir, "MUSTER_TEST_NEXT="+strconv.Itoa(added+1))
		out, err := killed.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := killed.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			if what, number, _ := strings.Cut(lines.Text(), " "); what == "added" {
				added, _ = strconv.Atoi(number)
			} else if what == "removed" {
				removed, _ = strconv.Atoi(number)
			}
			if n == 20+7*round {
				_ = killed.Process.Kill() // and goes on to read what it has written
			}
		}
		_ = killed.Wait()
		o := open(dir)
		first, err := o.First()
		if err != nil || first == nil {
			t.Fatalf("First: %v, %v", first, err)
		}
		// What was being removed or added when it was killed may be there or not.
		number := 0
		if _, err := fmt.Sscan(string(first.Payload), &number); err != nil || number < removed+1 || number > removed+2 || o.Len() < added-number+1 || o.Len() > added-number+2 {
			t.Fatalf("round %d: %d wait from %.20q on, after %d were added and %d removed", round, o.Len(), first.Payload, added, removed)
		}
		added, removed = number+o.Len()-1, number-1
		if left, _ := filepath.Glob(filepath.Join(dir, "*.tmp")); len(left) > 0 {
			t.Errorf("left are %v", left)
		}
	}
	o := open(dir)
	for want := removed + 1; want <= added; want++ {
		if got := take(t, o); !strings.HasPrefix(got, strconv.Itoa(want)+" ") {
			t.Fatalf("took %.20q, want %d", got, want)
		}
	}
	if o.Dropped() != 0 || o.Len() != 0 || added < 200 {
		t.Errorf("%d were added in all, %d dropped, %d are left", added, o.Dropped(), o.Len())
	}
}

// fill adds reports, removes two thirds of them, and says so, until it is killed.
func fill(t *testing.T, dir string) {
	next, err := strconv.Atoi(os.Getenv("MUSTER_TEST_NEXT"))
	if err != nil {
		t.Fatal(err)
	}
	o := open(dir)
	for ; ; next++ {
		add(t, o, fmt.Sprintf("%d %s", next, strings.Repeat("x", 3000)))
		fmt.Println("added", next)
		if next%3 != 0 {
			first := take(t, o)
			number, _, _ := strings.Cut(first, " ")
			fmt.Println("removed", number)
		}
	}
}
