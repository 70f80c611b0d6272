package devices

import (
	"errors"
	"fmt"
	"time"

	"muster/broker/client"
	"muster/topics"
)

// complainEvery is how often statuses that cannot be used are logged at most.
const complainEvery = time.Minute

// dropped counts what was dropped since the last complaint.
type dropped struct {
	count      int64
	complained time.Time
}

// connected subscribes, again if need be, to have all that is retained sent once more: the broker may be another one, or have lost
// what it had, and a device that was online there may be gone without a will. Those of which it has said nothing when
// the time to settle is over are not online. What came before this call cannot be told from what came over the connection before.
//
// The QoS is 0 because of what is retained: of that, Mosquitto sends a subscription with QoS 1 no more than
// about a thousand messages, and drops the others.
func (f *Fleet) connected() {
	f.mu.Lock()
	f.up++
	up := f.up
	f.quiet = time.Now().Add(f.o.Settle)
	f.census.reconnected()
	f.mu.Unlock()

	for filter, take := range map[string]client.Handler{
		f.o.Root.Filter(topics.DeviceStatus):   f.takeStatus,
		f.o.Root.Filter(topics.DeviceProgress): f.takeProgress,
	} {
		err := f.client.Subscribe(client.Subscription{Filter: filter, Handler: func(m client.Message) {
			f.mu.Lock()
			defer f.mu.Unlock()
			if up == f.up {
				take(m)
			}
		}})
		if err != nil && !errors.Is(err, client.ErrClosed) {
			f.o.Log.Error("cannot subscribe to what devices say", "filter", filter, "error", err)
		}
	}
}

// takeStatus takes a status. An empty one is a topic that was cleared. It is called with mu held.
func (f *Fleet) takeStatus(m client.Message) {
	from, err := f.o.Root.Parse(m.Topic)
	if err != nil {
		return
	}
	now := time.Now()
	if len(m.Payload) == 0 {
		f.census.forget(from.Name, now)
		if _, kept := f.census.devices[from.Name]; kept {
			f.cleared[from.Name] = now.Add(overlap)
			f.ask()
		}
		return
	}
	status, err := topics.ParseStatus(m.Payload)
	if err == nil {
		heardAt := now
		if m.Retain {
			heardAt = time.Time{}
		}
		if f.census.apply(from.Name, status, heardAt) == full {
			err = fmt.Errorf("more than %d devices", f.census.limit)
		}
	}
	if err != nil {
		f.complain(from.Name, err)
	}
}

// takeProgress takes how far a device is with a pull. It is called with mu held.
func (f *Fleet) takeProgress(m client.Message) {
	from, err := f.o.Root.Parse(m.Topic)
	if err != nil {
		return
	}
	r, known := f.census.devices[from.Name]
	if !known {
		return
	}
	p, err := topics.ParseProgress(m.Payload)
	if err != nil {
		f.complain(from.Name, err)
		return
	}
	now := time.Now()
	r.saw(now)
	f.pulls.take(r.name, p, now)
}

// Heard says that a device was heard of at this moment. It costs next to nothing.
func (f *Fleet) Heard(device string) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if r, known := f.census.devices[device]; known {
		r.saw(time.Now())
	}
}

// complain is called with mu held.
func (f *Fleet) complain(device string, err error) {
	f.dropped.count++
	if now := time.Now(); now.Sub(f.dropped.complained) >= complainEvery {
		f.o.Log.Warn("statuses dropped", "dropped", f.dropped.count, "last_device", device, "last_error", err)
		f.dropped = dropped{complained: now}
	}
}
