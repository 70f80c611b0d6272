package rollout

import (
	"context"
	"errors"
	"slices"

	"muster/manager/client"
	"muster/manager/fleet"
	"muster/topics"
)

// A Fleet is asked for devices: a [client.Client].
type Fleet interface {
	CountDevices(ctx context.Context, q client.DeviceQuery, size int) (fleet.Page, error)
}

// sample is how many devices of several device_groups are looked at for what is wanted of them.
const sample = 100

// Read asks how far the devices are that the query selects by device_group and labels. It has at most show devices worth a line.
func Read(ctx context.Context, c Fleet, q client.DeviceQuery, show int) (State, error) {
	size := 1
	if q.DeviceGroup == "" {
		size = sample
	}
	page, err := c.CountDevices(ctx, q, size)
	if err != nil {
		return State{}, err
	}
	s := State{All: *page.Counts, Wanted: map[string]topics.Version{}}
	s.add(page.Devices, 0)
	yes, no := true, false
	ill, late := q, q
	ill.Online, ill.Failing = &yes, &yes
	late.Online, late.Failing, late.Behind = &yes, &no, &yes
	busy := late
	busy.Phase = topics.PhaseUpdating
	for _, part := range []struct {
		of    client.DeviceQuery
		any   int64
		count *int64
	}{{ill, s.All.Failing, &s.Failed}, {busy, s.All.Behind, &s.Updating}, {late, s.All.Behind, &s.Waiting}} {
		if part.any == 0 {
			continue
		}
		room := show - len(s.Shown)
		page, err := c.CountDevices(ctx, part.of, max(1, room))
		if err != nil {
			return State{}, err
		}
		*part.count = page.Counts.Devices
		s.add(page.Devices, room)
	}
	// The answers are of different moments.
	s.Waiting = max(0, s.Waiting-s.Updating)
	s.Done = max(0, s.All.Online-s.Failed-s.Updating-s.Waiting)
	return s, nil
}

// add notes what is wanted of devices, and shows as many of them that are not shown yet.
func (s *State) add(devices []fleet.Device, room int) {
	for _, d := range devices {
		if known, ok := s.Wanted[d.DeviceGroup]; !ok || known.Newer(d.Wanted) {
			s.Wanted[d.DeviceGroup] = d.Wanted
		}
		shown := slices.ContainsFunc(s.Shown, func(o fleet.Device) bool { return o.Device == d.Device })
		if !shown && room > 0 {
			s.Shown = append(s.Shown, d)
			room--
		}
	}
}

// passing says that an error may heal by itself: a manager that restarts, a network that fails.
func passing(err error) bool {
	for _, lasting := range []error{client.ErrDenied, client.ErrNotAllowed, client.ErrNotFound, context.Canceled} {
		if errors.Is(err, lasting) {
			return false
		}
	}
	refusal, refused := errors.AsType[*client.Error](err)
	return !refused || refusal.Status >= 500 || refusal.Status == 429
}
