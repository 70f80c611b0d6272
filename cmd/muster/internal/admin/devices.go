package admin

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/pflag"

	"muster/manager/client"
)

// A selection is what flags say of the devices that a command is about.
type selection struct {
	client.DeviceQuery
	online, behind, failing, pending bool
}

func (s *selection) declare(flags *pflag.FlagSet) {
	flags.StringVarP(&s.DeviceGroup, "device-group", "g", "", "only devices of this device_group")
	s.declareLabels(flags)
	flags.BoolVar(&s.online, "online", false, "only devices that are connected; =false: that are not")
	flags.BoolVar(&s.behind, "behind", false, "only devices that have not applied the latest config; =false: that have")
	flags.BoolVar(&s.failing, "failing", false, "only devices on which something fails; =false: on which nothing does")
	flags.BoolVar(&s.pending, "pending", false, "only devices that wait for an admin to let them in; =false: that do not")
	flags.StringVar(&s.Phase, "phase", "", "only devices in this phase: waiting, behind, updating, settled")
	flags.StringVar(&s.FailingApp, "failing-app", "", "only devices on which this app fails")
}

func (s *selection) declareLabels(flags *pflag.FlagSet) {
	flags.StringArrayVarP(&s.Labels, "label", "l", nil, "only devices with this label, KEY or KEY=VALUE; may be given several times")
}

// query is what the flags select.
func (s *selection) query(flags *pflag.FlagSet) client.DeviceQuery {
	q := s.DeviceQuery
	for name, is := range map[string]struct {
		flag *bool
		set  **bool
	}{"online": {&s.online, &q.Online}, "behind": {&s.behind, &q.Behind}, "failing": {&s.failing, &q.Failing}, "pending": {&s.pending, &q.Pending}} {
		if flags.Changed(name) {
			*is.set = is.flag
		}
	}
	return q
}

// names says which of the flags that select were given.
func (s *selection) given(flags *pflag.FlagSet) (names []string) {
	for _, name := range []string{"device-group", "label", "online", "behind", "failing", "pending", "phase", "failing-app"} {
		if flags.Changed(name) {
			names = append(names, name)
		}
	}
	return names
}

// maxOffered is how many devices are offered to who presses Tab.
const maxOffered = 500

// deviceNames offers devices whose names begin so: of a large fleet no others are read.
func deviceNames(ctx context.Context, c *client.Client, _ []string, begun string) ([]string, error) {
	var names []string
	if begun != "" {
		switch _, err := c.Device(ctx, begun); {
		case err == nil:
			names = append(names, begun)
		case !errors.Is(err, client.ErrNotFound):
			return nil, err
		}
	}
	for d, err := range c.Devices(ctx, client.DeviceQuery{After: begun}) {
		if err != nil {
			return nil, err
		}
		if !strings.HasPrefix(d.Device, begun) || len(names) == maxOffered {
			break
		}
		names = append(names, d.Device)
	}
	return names, nil
}
