package devices

import (
	"cmp"
	"slices"
	"strings"
	"sync/atomic"
	"time"
	"unique"

	"muster/manager/fleet"
	"muster/manager/store"
	"muster/topics"
)

// A record is what is kept in memory of one device. There may be a million of them: what many devices have in common is
// interned, and times are in seconds.
type record struct {
	name         string
	group, epoch unique.Handle[string]
	phase, agent unique.Handle[string]
	configID     int64
	session      int64
	// failing is what fails, by [topics.Failure], or nil.
	failing []unique.Handle[topics.Failure]
	// labels are in ascending order.
	labels []unique.Handle[label]
	// seen is when a manager last heard of the device, and since when its connection was made or lost, in Unix seconds; 0 when
	// that is not known.
	seen  atomic.Uint32
	since uint32
	// told is when the device last said what it runs, in Unix seconds; 0 when that is by the store, or by the end of a connection
	// alone.
	told uint32
	// identity is what the device is known by. While it has one, the device's group is by that, whatever it says.
	identity standing
	// online says that it is connected. A device of which no status is known is not.
	online bool
	// heard says that there is a status, and fresh that it came over the manager's present connection.
	heard, fresh bool
	// stored says that the store has a row.
	stored bool
}

// A label is one of a device's.
type label struct{ key, value string }

func newRecord(name string) *record {
	none := unique.Make("")
	return &record{name: strings.Clone(name), group: none, epoch: none, phase: none, agent: none}
}

func (r *record) version() topics.Version {
	return topics.Version{Epoch: r.epoch.Value(), ConfigID: r.configID}
}

func (r *record) setVersion(v topics.Version) {
	r.epoch, r.configID = unique.Make(v.Epoch), v.ConfigID
}

// saw notes that the device was heard of.
func (r *record) saw(at time.Time) {
	if s := seconds(at); s > r.seen.Load() {
		r.seen.Store(s)
	}
}

func (r *record) setLabels(labels map[string]string) {
	r.labels = nil
	for key, value := range labels {
		r.labels = append(r.labels, unique.Make(label{key, value}))
	}
	slices.SortFunc(r.labels, func(a, b unique.Handle[label]) int { return cmp.Compare(a.Value().key, b.Value().key) })
}

// has reports whether the device has the label, with any value when that is nil.
func (r *record) has(key string, value *string) bool {
	for _, l := range r.labels {
		if l := l.Value(); l.key == key {
			return value == nil || l.value == *value
		}
	}
	return false
}

func (r *record) fails(app string) bool {
	return slices.ContainsFunc(r.failing, func(f unique.Handle[topics.Failure]) bool { return f.Value().App == app })
}

// show is the device as lists have it, if that config is wanted of it.
func (r *record) show(wanted topics.Version) fleet.Device {
	d := fleet.Device{
		Device: r.name, DeviceGroup: r.group.Value(), Online: r.online, Phase: r.phaseAt(wanted),
		Applied: r.version(), Wanted: wanted, Behind: r.behind(wanted),
		Failing: make([]topics.Failure, len(r.failing)), Labels: make(map[string]string, len(r.labels)),
		LastSeen: moment(r.seen.Load()), Agent: r.agent.Value(), IdentityState: r.identity.state(),
	}
	for i, f := range r.failing {
		d.Failing[i] = f.Value()
	}
	for _, l := range r.labels {
		d.Labels[l.Value().key] = l.Value().value
	}
	return d
}

// behind reports whether the device has not applied the wanted config. Where none is wanted, nobody is behind.
func (r *record) behind(wanted topics.Version) bool { return !wanted.IsZero() && r.version() != wanted }

func (r *record) phaseAt(wanted topics.Version) string {
	if phase := r.phase.Value(); phase == topics.PhaseUpdating || !wanted.Newer(r.version()) {
		return phase
	}
	return fleet.PhaseBehind
}

// say is what the device has said of itself. heardAt is when, or zero for a status that the broker has kept; room is how many bytes
// its reasons may have.
func (r *record) say(s topics.Status, heardAt time.Time, room int) {
	online := s.State == topics.Online
	if online != r.online || s.Session != r.session || !r.heard {
		r.since = seconds(heardAt)
	}
	r.heard, r.fresh, r.online, r.session = true, true, online, s.Session
	r.saw(heardAt)
	group := r.groupBy(s.DeviceGroup)
	if !online && group == r.group && !s.Version.Newer(r.version()) {
		return // a will has what was when the connection was made
	}
	r.told = 0
	if online {
		r.told = seconds(time.Now())
	}
	r.group, r.phase = group, unique.Make(s.Phase)
	r.agent = unique.Make(s.Agent[:min(len(s.Agent), topics.MaxFact)])
	r.setVersion(s.Version)
	r.failing = intern(s.Failing, room)
}

// lose is for a device that is not there any more.
func (r *record) lose(now time.Time) {
	if r.online {
		r.since = seconds(now)
	}
	r.online, r.heard, r.fresh, r.session = false, false, false, 0
}

// take is what the store says. What the device has said of itself over the connection is believed before it, and so is what it said
// last, until the store has something newer.
func (r *record) take(h store.DeviceHead) {
	r.stored = true
	r.setLabels(h.Labels)
	r.saw(h.Reported)
	if r.group.Value() == "" {
		r.group = r.groupBy(h.DeviceGroup) // one that has not reported is where it was enrolled
	}
	switch {
	case h.Reported.IsZero(), r.online, r.told != 0 && seconds(h.Reported) <= r.told:
		return
	case r.heard && (r.groupBy(h.DeviceGroup) != r.group || r.version().Newer(h.Version)):
		return // the store does not have the device's last reports
	}
	r.told = 0
	r.group, r.phase = r.groupBy(h.DeviceGroup), unique.Make(h.Phase)
	r.setVersion(h.Version)
	r.failing = intern(h.Failing, 0)
}

// intern is a list of failures, each once, with their reasons as far as so many bytes go. A device may say anything: what is beyond
// the limit is left out.
func intern(list []topics.Failure, room int) (failing []unique.Handle[topics.Failure]) {
	for _, f := range list[:min(len(list), topics.MaxFailing)] {
		if len(f.App) > topics.MaxAppName || len(f.CronJob) > topics.MaxAppName || len(f.Code) > topics.MaxName {
			continue
		}
		if len(f.Reason) > min(room, topics.MaxReason) {
			f.Reason = ""
		}
		room -= len(f.Reason)
		if one := unique.Make(f); !slices.Contains(failing, one) {
			failing = append(failing, one)
		}
	}
	return failing
}

// reasons is how many bytes the reasons of what fails have.
func (r *record) reasons() (bytes int) {
	for _, f := range r.failing {
		bytes += len(f.Value().Reason)
	}
	return bytes
}

// seconds is a time as a record keeps it; 0 for one that it cannot.
func seconds(t time.Time) uint32 {
	if s := t.Unix(); s > 0 && s <= 1<<32-1 {
		return uint32(s)
	}
	return 0
}

func moment(s uint32) *time.Time {
	if s == 0 {
		return nil
	}
	t := time.Unix(int64(s), 0).UTC()
	return &t
}

// apps names the apps that fail, each once; what cannot be the name of one is left out.
func (r *record) apps() (names []string) {
	for _, f := range r.failing {
		if name := f.Value().App; topics.CheckAppName(name) == nil && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
