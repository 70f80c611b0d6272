package apply

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"muster/manager/client"
)

// An Action is what a step does.
type Action string

// The actions.
const (
	Create Action = "create"
	Change Action = "change"
	Delete Action = "delete"
)

// A Step is one call of the API, about one object.
type Step struct {
	Action Action `json:"action"`
	Kind   string `json:"kind"`
	Name   string `json:"name"`
	// Differences are those of a change.
	Differences []Difference `json:"differences,omitempty"`

	do func(context.Context) error
}

// String says what the step does: `create app "x"`.
func (s Step) String() string { return fmt.Sprintf("%s %s %q", s.Action, s.Kind, s.Name) }

// A Plan is what to do to make objects what files say.
type Plan struct {
	// Steps are in the order in which they are done, those of one action and kind at the same time.
	Steps []Step
	// Same is how many objects are what they should be.
	Same int
}

// Make compares the fleet with what the manager has, and changes nothing. With prune, what the manager has and the
// files do not name is to be deleted, of those kinds that files have a key for. The error is a [MistakesError]
// when the files are wrong.
func Make(ctx context.Context, c *client.Client, fleet Fleet, prune bool) (Plan, error) {
	m := maker{c: c, fleet: fleet, there: map[string][]string{}, stays: map[string]map[string]bool{}}
	var p Plan
	// Creations and changes of one kind after the other, then deletions: groups before what they list.
	for _, k := range kinds {
		steps, err := m.wanted(ctx, k, &p.Same)
		if err != nil {
			return Plan{}, err
		}
		p.Steps = append(p.Steps, steps...)
	}
	if err := m.missing(ctx, prune); err != nil {
		return Plan{}, err
	}
	if len(m.mistakes) > 0 {
		return Plan{}, &MistakesError{m.mistakes}
	}
	if prune {
		for _, k := range slices.Backward(kinds) {
			p.Steps = append(p.Steps, m.unwanted(k)...)
		}
	}
	return p, nil
}

// A MistakesError has every mistake in the files that could be found, each with the file and line.
type MistakesError struct{ Mistakes []error }

func (e *MistakesError) Error() string { return errors.Join(e.Mistakes...).Error() }

// Count is how many steps have the action.
func (p Plan) Count(action Action) int {
	n := 0
	for _, s := range p.Steps {
		if s.Action == action {
			n++
		}
	}
	return n
}

// A maker is what Make works with.
type maker struct {
	c     *client.Client
	fleet Fleet
	// there has the names of what the manager has, by kind, as far as it was asked.
	there map[string][]string
	// stays tells which lists of a device_group are what they should be, by name and field: they are not sent, so
	// that what they list need not exist.
	stays    map[string]map[string]bool
	mistakes []error
}

// names lists what the manager has of a kind.
func (m *maker) names(ctx context.Context, k kind) ([]string, error) {
	if names, asked := m.there[k.word]; asked {
		return names, nil
	}
	names, err := k.names(ctx, m.c)
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	m.there[k.word] = names
	return names, nil
}

// wanted are the creations and changes of a kind.
func (m *maker) wanted(ctx context.Context, k kind, same *int) ([]Step, error) {
	objects, named := m.fleet.sections[k.word]
	if !named {
		return nil, nil
	}
	all, err := m.names(ctx, k)
	if err != nil {
		return nil, err
	}
	wanted := slices.Sorted(maps.Keys(objects))
	existing, err := k.get(ctx, m.c, intersection(wanted, all))
	if err != nil {
		return nil, err
	}
	var steps []Step
	for _, name := range wanted {
		o := objects[name]
		after, err := k.desired(name, o.fields)
		if err != nil {
			m.mistakes = append(m.mistakes, fmt.Errorf("%s: %s %q: %w", o.from, k.word, name, err))
			continue
		}
		before, exists := existing[name]
		if !exists {
			if err := k.newName(name); err != nil {
				m.mistakes = append(m.mistakes, fmt.Errorf("%s: %s %q: %w", o.from, k.word, name, err))
				continue
			}
			steps = append(steps, Step{Action: Create, Kind: k.word, Name: name,
				do: func(ctx context.Context) error { return k.create(ctx, m.c, name, after) }})
			continue
		}
		keepRunning(o.fields, before, after)
		differing := differences(before, after)
		takeAway(before, after)
		changed := changedFields(before, after)
		if k.word == "device_group" {
			m.stays[name] = unchanged(after, changed)
		}
		if len(differing) == 0 {
			*same++
			continue
		}
		steps = append(steps, Step{Action: Change, Kind: k.word, Name: name, Differences: differing,
			do: func(ctx context.Context) error { return k.update(ctx, m.c, name, changed) }})
	}
	return steps, nil
}

// keepRunning leaves an object running, or not, when the file does not say.
func keepRunning(given json.RawMessage, before, after fields) {
	var says map[string]json.RawMessage
	if err := json.Unmarshal(given, &says); err != nil {
		panic(err) // it was made by json.Marshal
	}
	if _, ok := says["running"]; !ok && after["running"] != nil {
		after["running"] = before["running"]
	}
}

// unwanted are the deletions of a kind.
func (m *maker) unwanted(k kind) []Step {
	objects, named := m.fleet.sections[k.word]
	if !named {
		return nil
	}
	var steps []Step
	for _, name := range m.there[k.word] {
		if _, keep := objects[name]; !keep {
			steps = append(steps, Step{Action: Delete, Kind: k.word, Name: name,
				do: func(ctx context.Context) error { return k.remove(ctx, m.c, name) }})
		}
	}
	return steps
}

func intersection(a, sorted []string) []string {
	var both []string
	for _, name := range a {
		if _, found := slices.BinarySearch(sorted, name); found {
			both = append(both, name)
		}
	}
	return both
}
