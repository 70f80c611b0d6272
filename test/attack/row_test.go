package attack

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A row is one attack, and how it ends.
type row struct {
	name string
	// over are the transports it is tried over, each.
	over []string
	// attack tries, and tells the outcome.
	attack func(a *attempt) string
	want   string
	// logged is in the one line that the log has about the attempt, besides its name; none when it is empty.
	logged string
}

// byAddress is logged of somebody who has not even said a name: an address, once a minute.
const byAddress = "remote=127.0.0.1"

// mqtt are the transports of the network that MQTT goes over.
var mqtt = []string{overTLS, overWSS}

// An attempt is one try of a row over one transport. Its name is nobody else's, and is in all that it sends.
type attempt struct {
	*site
	over string
	name string
}

// device gives the attempt an identity of its own, with which it is let in.
func (a *attempt) device() hello { return hello{identity: a.enrolled(a.name, "thieves"), id: a.name} }

// in logs in, which must succeed.
func (a *attempt) in(h hello) *wire {
	a.t.Helper()
	w, got := a.connect(a.over, h)
	if got != accepted {
		a.t.Fatalf("%s cannot connect: %s", h.id, got)
	}
	a.t.Cleanup(func() { _ = w.Close() })
	return w
}

// bad is what an attempt publishes where it must not.
func bad(name string) string { return "bad " + name }

// login is the outcome of a login.
func (a *attempt) login(h hello) string {
	w, got := a.connect(a.over, h)
	if got == accepted {
		_ = w.Close()
	}
	return got
}

// A table is what becomes of all rows.
type table struct {
	*site
	witness  *witness
	attempts int
	mu       sync.Mutex // of what follows
	results  []result
	tried    []func(t *testing.T)
}

// A result is what became of a row, for people.
type result struct{ name, over, got, logged string }

func (r result) String() string {
	return fmt.Sprintf("| %s | %s | %s | %s |", r.name, r.over, r.got, r.logged)
}

// run tries the rows. Nothing bad of an attempt may be seen on a topic, and each is logged once.
func (b *table) run(t *testing.T, rows []row) {
	for _, r := range rows {
		for _, over := range r.over {
			b.attempts++
			name := fmt.Sprintf("attack-%03d-x", b.attempts)
			t.Run(r.name+"/"+over, func(t *testing.T) {
				t.Parallel()
				s := *b.site
				s.t = t
				a := &attempt{site: &s, over: over, name: name}
				got := r.attack(a)
				if got != r.want && (r.want != theEnd || got != "closed" && !strings.HasPrefix(got, "DISCONNECT")) {
					t.Errorf("%s, want %s", got, r.want)
				}
				if r.logged != "" {
					name := name
					if r.logged == byAddress {
						name = ""
					}
					a.await("a line in the log", func() error { // which may come after the answer
						if len(a.refusals(name, r.logged)) == 0 {
							return fmt.Errorf("none has %q and %q, but:\n%s", a.name, r.logged, strings.Join(a.lines(a.name), "\n"))
						}
						return nil
					})
				}
				b.note(r, a, got)
			})
		}
	}
}

// refusals are the lines of the log with the text about what that one was refused.
func (s *site) refusals(name, text string) []string {
	return append(s.lines("level=WARN", name, text), s.lines("msg=request request_id="+name, text)...)
}

// note keeps what became of an attempt, and what is left to look at when all others are done.
func (b *table) note(r row, a *attempt, got string) {
	logged, want := "no", 0
	switch r.logged {
	case "":
	case byAddress:
		logged = "by its address"
	default:
		logged, want = "once", 1
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	is := result{r.name, a.over, got, logged}
	if n := slices.IndexFunc(b.results, func(r result) bool { return r.name == is.name && r.got == got }); n >= 0 {
		b.results[n].over += ", " + a.over
	} else {
		b.results = append(b.results, is)
	}
	b.tried = append(b.tried, func(t *testing.T) {
		lines := a.refusals(a.name, "")
		if len(lines) != want && (r.logged != byAddress || len(lines) > 1) {
			t.Errorf("%s over %s is in the log %d times, want %d:\n%s", r.name, a.over, len(lines), want, strings.Join(lines, "\n"))
		}
		if seen := b.witness.saw(bad(a.name)); len(seen) != 0 {
			t.Errorf("%s over %s had an effect: %s", r.name, a.over, strings.Join(seen, ", "))
		}
	})
}

// finish looks at what is true only when nothing more can happen.
func (b *table) finish(t *testing.T) {
	b.witness.settle(t)
	for _, look := range b.tried {
		look(t)
	}
	lines := []string{"| attack | over | refused with | logged |", "|---|---|---|---|"}
	slices.SortFunc(b.results, func(r, other result) int { return strings.Compare(r.name, other.name) })
	for _, r := range b.results {
		lines = append(lines, r.String())
	}
	show(t, strings.Join(lines, "\n"))
}

// show prints a table, and adds it to the file that is wanted.
func show(t *testing.T, table string) {
	t.Log("\n" + table)
	name := os.Getenv("MUSTER_ATTACK_TABLE")
	if name == "" {
		return
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(table + "\n\n"); err != nil {
		t.Fatal(err)
	}
}
