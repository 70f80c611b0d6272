package identity

import (
	"fmt"
	"math/rand/v2"
	"time"

	"muster/topics"
)

// accept makes what the managers have issued this device's identity, if it is one.
func (k *Keeper) accept(r topics.CertificateReply) error {
	k.accepting.Lock()
	defer k.accepting.Unlock()
	key, err := readKey(k.Dir)
	if err != nil {
		return err
	}
	life := time.Duration(min(r.RenewIn, int64(longestRenewIn/time.Second))) * time.Second
	i := Identity{
		Device: k.Device, DeviceGroup: r.DeviceGroup, Certificate: r.Certificate, Authorities: r.Authorities,
		BrokerURL: r.BrokerURL, Given: k.Given, Received: time.Now(), RenewAfter: life - rand.N(life/10+1), key: key,
	}
	before, enrolled := k.Identity()
	if enrolled {
		i.System = before.System
		if i.BrokerURL == "" {
			i.BrokerURL = before.BrokerURL
		}
	} else {
		i.System = k.trust().system
		if group := k.Given.DeviceGroup; group != "" && group != r.DeviceGroup {
			return &contradictionError{group, r.DeviceGroup}
		}
	}
	if i.BrokerURL != "" {
		if _, _, err := broker(i.BrokerURL); err != nil {
			return err
		}
	}
	if err := i.check(); err != nil {
		return err
	}
	if err := i.save(k.Dir); err != nil {
		return err
	}
	k.mu.Lock()
	k.identity, k.damaged = &i, nil
	k.mu.Unlock()
	k.doubted.Store(false)
	k.note(Enrollment{})
	k.keepTime(k.clock.passed(i.chain[0].NotBefore))
	k.Log.Info("this device has a certificate", "device", i.Device, "device_group", i.DeviceGroup, "not_after", i.NotAfter().UTC(), "renew_in", i.RenewAfter.Round(time.Second))
	if k.Group != "" && k.Group != i.DeviceGroup {
		k.leave()
	}
	return nil
}

// A contradictionError says that the settings want another device_group than the enrollment token.
type contradictionError struct{ given, told string }

func (e *contradictionError) Error() string {
	return fmt.Sprintf("device-group: must be left out, or be that of the enrollment token, %q; is %q", e.told, e.given)
}

// longestRenewIn bounds what a manager may say.
const longestRenewIn = 10 * 365 * 24 * time.Hour
