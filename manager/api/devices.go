package api

import (
	"context"
	"errors"
	"maps"
	"net/http"

	"muster/manager/auth"
	"muster/manager/devices"
	"muster/manager/fleet"
	"muster/manager/store"
)

// A Fleet knows the devices, as a [devices.Fleet] does.
type Fleet interface {
	// List is the devices that q selects, those after the given name, at most limit.
	List(q devices.Query, after string, limit int, count bool) fleet.Page
	// Group is the device_group of a device. It fails with [store.ErrNotFound], as the others do.
	Group(ctx context.Context, device string) (string, error)
	Get(ctx context.Context, device string) (fleet.Detail, error)
	Annotate(ctx context.Context, device string, change func(*fleet.Annotations) error) (before, after fleet.Annotations, err error)
	Delete(ctx context.Context, device string) (before fleet.Annotations, err error)
}

// listDevices lists the devices of the groups that whoever asks has a right to.
func (a *api) listDevices(r *http.Request) (int, any, error) {
	q := readQuery(r)
	selected := devices.Query{
		Group: q.text("device_group"), Phase: q.text("phase"), FailingApp: q.text("failing_app"),
		Online: q.bool("online"), Behind: q.bool("behind"), Failing: q.bool("failing"), Pending: q.bool("pending"), Labels: q.labels("label"),
	}
	after, size, count := q.text("after"), q.pageSize(100, 1000), q.bool("counts")
	if err := q.done(); err != nil {
		return 0, nil, err
	}
	if who := auth.IdentityFrom(r.Context()); !who.Admin {
		selected.May = func(group string) bool { return who.MayDeviceGroup(group, store.ReadOnly) }
	}
	return http.StatusOK, a.fleet.List(selected, after, size, count != nil && *count), nil
}

// onDevice is h, given the name of the device in the path, for those who have the right to its device_group. Others learn of no device
// whether it exists.
func (a *api) onDevice(right store.Right, h func(r *http.Request, device string) (int, any, error)) handler {
	return func(r *http.Request) (int, any, error) {
		device := pathName(r, deviceKind.param)
		who := auth.IdentityFrom(r.Context())
		group, err := a.fleet.Group(r.Context(), device)
		switch missing := errors.Is(err, store.ErrNotFound); {
		case err != nil && !missing:
			return 0, nil, err
		case !who.Admin && (missing || !who.MayDeviceGroup(group, right)):
			return 0, nil, errNotAllowed
		case missing:
			return 0, nil, deviceKind.about(device, err)
		}
		return h(r, device)
	}
}

func (a *api) getDevice(r *http.Request, device string) (int, any, error) {
	detail, err := a.fleet.Get(r.Context(), device)
	return http.StatusOK, detail, deviceKind.about(device, err)
}

// replaceDevice sets what the body has, labels as a whole.
func (a *api) replaceDevice(r *http.Request, device string) (int, any, error) {
	return a.annotate(r, device, func(into *fleet.Annotations) []field {
		return []field{
			{"labels", func(v value) error { return v.texts(&into.Labels) }},
			{"note", func(v value) error { return v.string(&into.Note) }},
		}
	})
}

// modifyDevice sets the labels that the body has, and removes those that are null in it.
func (a *api) modifyDevice(r *http.Request, device string) (int, any, error) {
	return a.annotate(r, device, func(into *fleet.Annotations) []field {
		return []field{
			{"labels", func(v value) error { return v.mergeTexts(into.Labels) }},
			{"note", func(v value) error { return v.string(&into.Note) }},
		}
	})
}

func (a *api) annotate(r *http.Request, device string, fields func(*fleet.Annotations) []field) (int, any, error) {
	patch, err := readPatch(r)
	if err != nil {
		return 0, nil, err
	}
	if patch.isEmpty() {
		return 0, nil, errNothingGiven
	}
	before, after, err := a.fleet.Annotate(r.Context(), device, func(now *fleet.Annotations) error {
		return patch.apply(fields(now))
	})
	if err != nil {
		return 0, nil, deviceKind.about(device, err)
	}
	if !maps.Equal(before.Labels, after.Labels) || before.Note != after.Note {
		if err := a.note(r, change{"update", deviceKind, device, before, after}); err != nil {
			return 0, nil, err
		}
	}
	return a.getDevice(r, device)
}

func (a *api) deleteDevice(r *http.Request, device string) (int, any, error) {
	// First the identity: from then on the device is out, whatever becomes of the rest.
	identity, had, err := a.enrollment.Forget(r.Context(), device)
	if err != nil {
		return 0, nil, err
	}
	if had {
		if err := a.note(r, change{"forget", deviceKind, device, identity, nil}); err != nil {
			return 0, nil, err
		}
	}
	before, err := a.fleet.Delete(r.Context(), device)
	if err != nil {
		return 0, nil, deviceKind.about(device, err)
	}
	return http.StatusOK, struct{}{}, a.note(r, change{"delete", deviceKind, device, before, nil})
}
