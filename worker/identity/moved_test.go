package identity_test

import (
	"strings"
	"testing"
	"time"

	"muster/broker/client"
	"muster/manager/store"
	"muster/topics"
	"muster/worker/identity"
)

// A device that an admin has put into another device_group is cut off, comes back, and learns of it at once, long before its
// certificate is due. Nobody tells it but the broker, by what it refuses.
func TestADeviceThatIsMovedAsksWhereTo(t *testing.T) {
	f := newFleet(t, 24*time.Hour)
	shown := f.token(false)
	d := f.device(t.TempDir(), shown)
	must(t, d.Enroll(within(t)))
	d = f.device(d.dir, shown, func(o *identity.Options) { o.Group = "g" })
	c := d.connect(t, f.url())
	must(t, c.Subscribe(client.Subscription{
		Filter: topics.DefaultRoot.Topic(topics.GroupConfig, "g"), QoS: 1, Handler: func(client.Message) {},
	}))
	go func() { _ = d.Follow(t.Context(), c) }()
	eventually(t, "the device is connected", c.Connected)
	before := d.serial()
	_, err := f.store.Identities().Modify(t.Context(), "d", func(i *store.Identity) error {
		i.DeviceGroup = "h"
		return nil
	})
	must(t, err)
	select {
	case <-d.Moved():
	case <-within(t).Done():
		t.Fatal("it does not know that it was moved")
	}
	if i, _ := d.Identity(); i.DeviceGroup != "h" || i.Certificate == before {
		t.Errorf("it is in %q", i.DeviceGroup)
	}

	// What else it may not hear says nothing of its group.
	other := f.device(d.dir, shown, func(o *identity.Options) { o.Group = "h" })
	c = other.connect(t, f.url())
	for _, filter := range []string{topics.DefaultRoot.Topic(topics.GroupConfig, "g"), topics.DefaultRoot.Topic(topics.GroupConfig, "h")} {
		must(t, c.Subscribe(client.Subscription{Filter: filter, QoS: 1, Handler: func(client.Message) {}}))
	}
	eventually(t, "it is refused", func() bool { return strings.Contains(other.log.String(), "refused a subscription") && c.Connected() })
	if other.Doubts() {
		t.Error("it doubts that it is where it is")
	}
}
