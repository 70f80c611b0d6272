package storetest

import (
	"errors"
	"fmt"

	"muster/manager/store"
)

// testDeviceObserveTogether has two managers take the same reports of the same devices, in different batches.
func testDeviceObserveTogether(r rig) {
	handles := []store.Store{r.handle(), r.handle()}
	const observers, reports, named = 6, 12, 3
	names := []string{"a", "b", "c"}
	errs := make([]error, observers)
	together(observers, func(i int) {
		for n := 1; n <= reports && errs[i] == nil; n++ {
			var batch []store.Sighting
			for d := range named {
				batch = append(batch, sighting(names[(d+i)%named], n))
			}
			errs[i] = handles[i%2].Devices().Observe(r.ctx, batch, func(before store.Device, now store.Sighting) []store.Event {
				return []store.Event{{At: now.Head.Reported, Kind: "step", Text: fmt.Sprint(before.Seq, now.Seq)}}
			})
		}
	})
	r.must(errors.Join(errs...))
	for _, name := range names {
		d := r.device(handles[0], name)
		if d.Seq != reports || string(d.Report) != string(sighting(name, reports).Report) {
			r.Errorf("%s: seq %d, %s", name, d.Seq, d.Report)
		}
		// Each report was taken once, after the one before.
		for i, e := range d.Events {
			if want := fmt.Sprint(reports-i-1, reports-i); e.Text != want {
				r.Errorf("%s: event %d is %q, want %q", name, i, e.Text, want)
			}
		}
		if len(d.Events) != reports {
			r.Errorf("%s: %d events, want %d", name, len(d.Events), reports)
		}
	}
}

// testDeviceAnnotateTogether has several managers set a label each, of a device that is not there yet.
func testDeviceAnnotateTogether(r rig) {
	handles := []store.Store{r.handle(), r.handle()}
	const annotators = 12
	errs := make([]error, annotators)
	together(annotators, func(i int) {
		_, errs[i] = handles[i%2].Devices().Annotate(r.ctx, "d", func(labels map[string]string, note *string) error {
			labels[fmt.Sprint(i)] = "set"
			*note += "."
			return nil
		})
	})
	r.must(errors.Join(errs...))
	if d := r.device(handles[0], "d"); len(d.Labels) != annotators || len(d.Note) != annotators {
		r.Errorf("%d labels and a note of %d, want %d of each", len(d.Labels), len(d.Note), annotators)
	}
}

// testDeviceReportsAndLabels has reports come in while labels are set: neither takes the other back.
func testDeviceReportsAndLabels(r rig) {
	handles := []store.Store{r.handle(), r.handle()}
	const rounds = 20
	errs := make([]error, 2)
	together(2, func(i int) {
		for n := 1; n <= rounds && errs[i] == nil; n++ {
			if i == 0 {
				errs[i] = handles[i].Devices().Observe(r.ctx, []store.Sighting{sighting("d", n)}, noEvents)
				continue
			}
			_, errs[i] = handles[i].Devices().Annotate(r.ctx, "d", func(labels map[string]string, _ *string) error {
				labels[fmt.Sprint(n)] = "set"
				return nil
			})
		}
	})
	r.must(errors.Join(errs...))
	if d := r.device(handles[0], "d"); d.Seq != rounds || len(d.Labels) != rounds {
		r.Errorf("seq %d and %d labels, want %d of each", d.Seq, len(d.Labels), rounds)
	}
}

// testDeviceMany takes the reports of many devices in one call, some of them new, some known, and some there twice.
func testDeviceMany(r rig) {
	st := r.handle()
	const many = 300
	var old, all []store.Sighting
	for n := range many {
		name := fmt.Sprintf("d%03d", n)
		if n%3 != 0 {
			old = append(old, sighting(name, 1))
		}
		all = append(all, sighting(name, 2))
		if n%2 == 0 {
			all = append(all, sighting(name, 3))
		}
	}
	r.observe(st, old...)
	r.observe(st, all...)
	for n := range many {
		name := fmt.Sprintf("d%03d", n)
		if d := r.device(st, name); d.Seq != int64(3-n%2) {
			r.Errorf("%s: seq %d", name, d.Seq)
		}
	}
	heads, err := st.Devices().Heads(r.ctx, "d099", many)
	r.must(err)
	if len(heads) != many-100 || heads[0].Device != "d100" {
		r.Errorf("%d heads from %s", len(heads), heads[0].Device)
	}
}
