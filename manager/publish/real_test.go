package publish_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"muster/manager/publish"
	"muster/test/rig"
	"muster/topics"
)

func TestLifeOfAGroup(t *testing.T) {
	onBrokers(t, func(t *testing.T, b bus) {
		d, v := newDeck(t), view(t, b.url)
		p, _ := d.run(b, "m1", publish.Options{Interval: time.Hour}) // pokes alone must do
		d.create("a")
		d.create("b")
		p.Poke("ada")
		v.await("a", d.eventually("a", 1))
		v.await("b", d.eventually("b", 1))
		d.change("a")
		p.Poke("ada")
		v.await("a", d.eventually("a", 2))
		d.remove("a")
		p.Poke("ada")
		v.await("a", "")
		d.create("a")
		d.change("a")
		p.Poke("ada")
		v.await("a", d.eventually("a", 3))
		if got := v.count(); got != 5 {
			t.Errorf("%d messages were published, want 5", got)
		}
		latest, err := d.st.Snapshots().Latest(t.Context(), "a")
		if err != nil || latest.By != "ada" {
			t.Errorf("the last config is by %q, %v", latest.By, err)
		}
		if late := view(t, b.url); true { // who comes later finds them
			late.await("a", d.latest("a"))
			late.await("b", d.latest("b"))
		}
	})
}

func TestIdleManagersPublishNothing(t *testing.T) {
	onBrokers(t, func(t *testing.T, b bus) {
		d, v := newDeck(t), view(t, b.url)
		const groups = 30
		for i := range groups {
			d.create(fmt.Sprintf("g%d", i))
		}
		p, _ := d.run(b, "m1", publish.Options{})
		await(t, "all groups", func() bool { return v.count() >= groups })
		for range 10 {
			p.Poke("ada")
			d.awaitPasses(1)
		}
		if got := v.count(); got != groups {
			t.Errorf("%d messages were published for %d groups", got, groups)
		}
	})
}

// A manager that dies between making a config and publishing it leaves nothing undone.
func TestCrashBetweenMakingAndPublishing(t *testing.T) {
	onBrokers(t, func(t *testing.T, b bus) {
		d, v := newDeck(t), view(t, b.url)
		d.create("a")
		d.create("gone")
		p, stop := d.run(b, "m1", publish.Options{})
		p.Poke("")
		v.await("a", d.eventually("a", 1))
		v.await("gone", d.eventually("gone", 1))
		stop()

		d.change("a")
		if _, err := d.MakeAll(t.Context(), "ada"); err != nil {
			t.Fatal(err)
		}
		d.remove("gone")
		// The process that comes next knows nothing.
		next := openDeck(t, d.path)
		next.run(b, "m1", publish.Options{})
		v.await("a", d.latest("a"))
		v.await("gone", "")
	})
}

func TestRepairs(t *testing.T) {
	onBrokers(t, func(t *testing.T, b bus) {
		d, v := newDeck(t), view(t, b.url)
		d.create("a")
		p, _ := d.run(b, "m1", publish.Options{Interval: time.Hour})
		p.Poke("")
		first := d.eventually("a", 1)
		v.await("a", first)
		d.change("a")
		p.Poke("")
		second := d.eventually("a", 2)
		v.await("a", second)

		other := dial(t, b.url, "other")
		for _, wrong := range []string{first, "rubbish", ""} {
			n := v.count()
			say(t, other, "a", wrong)
			await(t, "the wrong message", func() bool { return v.count() > n })
			v.await("a", second)
		}
	})
}

func TestStoreBehind(t *testing.T) {
	onBrokers(t, func(t *testing.T, b bus) {
		d, v := newDeck(t), view(t, b.url)
		d.create("a")
		other := dial(t, b.url, "other")
		content := topics.Content{DeviceGroup: "a", DeviceGroupID: 1, PruneID: 1}
		newer, err := topics.EncodeConfig(topics.Version{Epoch: d.st.Epoch(), ConfigID: 3}, time.Now(), content)
		if err != nil {
			t.Fatal(err)
		}
		say(t, other, "a", string(newer))
		v.await("a", string(newer))

		p, _ := d.run(b, "m1", publish.Options{})
		await(t, "the word that the store is behind", func() bool { return slices.Equal(p.Behind(), []string{"a"}) })
		d.change("a")
		p.Poke("")
		d.eventually("a", 2)
		d.awaitPasses(3)
		v.await("a", string(newer))
		for id := range int64(2) {
			d.change("a")
			p.Poke("")
			d.eventually("a", 3+id)
		}
		v.await("a", d.latest("a"))
		if ids := v.ids(d.st.Epoch()); !slices.IsSorted(ids) {
			t.Errorf("configs went backwards: %v", ids)
		}
		await(t, "the word that the store has caught up", func() bool { return len(p.Behind()) == 0 })
	})
}

func TestBrokerComesBackEmpty(t *testing.T) {
	mosquitto := rig.Mosquitto(t, rig.MosquittoOptions{})
	d := newDeck(t)
	for i := range 20 {
		d.create(fmt.Sprintf("g%d", i))
	}
	b := bus{manager: dial(t, mosquitto.URL(), "manager"), settle: 50 * time.Millisecond, url: mosquitto.URL()}
	p, _ := d.run(b, "m1", publish.Options{})
	for round := range 3 {
		v := view(t, b.url)
		for i := range 20 {
			group := fmt.Sprintf("g%d", i)
			v.await(group, d.eventually(group, int64(round)+1))
		}
		mosquitto.Stop()
		for i := range 20 {
			d.change(fmt.Sprintf("g%d", i)) // nobody is told, but nothing is lost
		}
		p.Poke("")
		d.eventually("g19", int64(round)+2)
		mosquitto.Start()
	}
}

// Two managers on one store and one broker agree in the end, and then are quiet.
func TestTwoManagers(t *testing.T) {
	const groups, changes = 5, 30
	url := rig.Mosquitto(t, rig.MosquittoOptions{}).URL()
	v := view(t, url)
	first := newDeck(t)
	second := openDeck(t, first.path)
	for i := range groups {
		first.create(fmt.Sprintf("g%d", i))
	}
	decks := []*deck{first, second}
	var publishers []*publish.Publisher
	for i, d := range decks {
		name := fmt.Sprintf("m%d", i)
		p, _ := d.run(bus{manager: dial(t, url, name), settle: 50 * time.Millisecond}, name, publish.Options{})
		publishers = append(publishers, p)
	}
	var admins sync.WaitGroup
	for i, d := range decks {
		admins.Go(func() {
			for n := range changes {
				d.change(fmt.Sprintf("g%d", n%groups))
				publishers[i].Poke(fmt.Sprintf("admin%d", i))
			}
		})
	}
	admins.Wait()
	for _, d := range decks {
		d.awaitPasses(2)
	}
	for i := range groups {
		group := fmt.Sprintf("g%d", i)
		v.await(group, first.latest(group))
	}
	// Both have seen it by then, and have nothing more to say.
	for _, d := range decks {
		d.awaitPasses(2)
	}
	n := v.count()
	for _, d := range decks {
		d.awaitPasses(5)
	}
	if got := v.count(); got != n {
		t.Errorf("%d more messages although nothing changed", got-n)
	}
	for _, p := range publishers {
		if groups := p.Behind(); len(groups) > 0 {
			t.Errorf("behind: %q", groups)
		}
	}
}
