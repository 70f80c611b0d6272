package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/spf13/pflag"

	"muster/broker/client/network"
	"muster/cmd/internal/program"
	"muster/cmd/internal/settings"
	"muster/topics"
	"muster/topics/token"
	"muster/worker"
	"muster/worker/identity"
	"muster/worker/selfcheck"
)

// enrollFlags are the settings by which a device gets its identity, once.
type enrollFlags struct {
	token     string
	tokenFile string
	url       string
}

func (f *enrollFlags) declare(flags *pflag.FlagSet) {
	flags.StringVar(&f.token, "enroll-token", "", `enrollment token, of "muster token create", by which this device gets a certificate once; on a command line others can read it`)
	flags.StringVar(&f.tokenFile, "enroll-token-file", "", "file that holds it instead")
	flags.StringVar(&f.url, "enroll-url", "", "manager to enroll at over HTTPS, such as https://manager.example:8443, instead of over MQTT; broker-url is not needed then when managers name the broker")
}

// given reports whether there is a token.
func (f *enrollFlags) given() bool { return f.token != "" || f.tokenFile != "" }

// read is the token; the zero Token when none is given.
func (f *enrollFlags) read() (token.Token, error) {
	text, flag := f.token, "enroll-token"
	switch {
	case !f.given():
		return token.Token{}, nil
	case f.token != "" && f.tokenFile != "":
		return token.Token{}, errors.New("enroll-token: is of no use beside enroll-token-file")
	case f.tokenFile != "":
		flag = "enroll-token-file"
		content, err := settings.SecretFile(flag, f.tokenFile)
		if err != nil {
			return token.Token{}, err
		}
		text = string(content)
	}
	t, err := token.Parse(text)
	if err != nil {
		return token.Token{}, fmt.Errorf("%s: %w", flag, err)
	}
	return t, nil
}

// A standing is who this device is to the managers, as far as it knows.
type standing struct {
	device string
	// group is the device_group; empty until the managers tell it.
	group string
	// known says that the device has, or gets, an identity of its own, and enrolled that it has one.
	known, enrolled bool
	// fresh says that there is nothing to run while there is no identity.
	fresh  bool
	token  token.Token
	broker network.Options
}

// standing reads what the settings and the state directory say, and refuses what contradicts.
func (f *workerFlags) standing() (standing, error) {
	i, err := identity.Load(f.stateDir)
	s := standing{device: cmp.Or(f.device, i.Device, program.HostName()), enrolled: err == nil}
	if err := topics.CheckName(s.device); err != nil {
		return s, fmt.Errorf("device: %q: %w", s.device, err)
	}
	s.known = !errors.Is(err, fs.ErrNotExist) || f.enroll.given()
	if s.known && errors.Is(err, fs.ErrPermission) {
		return s, fmt.Errorf("state-dir: %w", err)
	}
	if s.enrolled {
		return s, f.asEnrolled(&s, i)
	}
	// Whatever is wrong with the config is told by who is to run it.
	held, _ := worker.LoadConfig(f.stateDir)
	s.fresh = held.IsZero()
	s.group = cmp.Or(f.group, held.DeviceGroup)
	if !s.known {
		s.fresh, s.group = false, f.group
		if s.group == "" {
			return s, errors.New("device-group: must be given, or enroll-token")
		}
		s.broker, err = f.broker.Options()
		return s, err
	}
	if s.token, err = f.enroll.read(); err != nil {
		return s, err
	}
	if s.group == "" && !f.enroll.given() {
		return s, fmt.Errorf("the identity in the state directory is of no use, and there is no enroll-token to get another: %w", err)
	}
	if f.enroll.url != "" {
		if err := identity.CheckEnrollURL(f.enroll.url); err != nil {
			return s, fmt.Errorf("enroll-url: %w", err)
		}
		s.broker, err = f.broker.OptionsFor(cmp.Or(f.broker.URL, toBeTold))
		return s, err
	}
	if s.broker, err = f.broker.Options(); err != nil {
		return s, err
	}
	if err := identity.CheckEnroll(f.broker.URL); err != nil && f.enroll.given() {
		return s, fmt.Errorf("broker-url: %w", err)
	}
	return s, nil
}

// toBeTold stands for the broker's URL until the managers tell it. No host has that name (RFC 2606).
const toBeTold = "mqtts://broker.invalid"

// asEnrolled is the standing of a device that has an identity.
func (f *workerFlags) asEnrolled(s *standing, i identity.Identity) (err error) {
	if s.device != i.Device {
		return fmt.Errorf("device: must be left out, or be the name in this device's certificate, %q; is %q", i.Device, s.device)
	}
	// Managers may have moved the device since; the settings of then are no contradiction.
	if f.group != "" && f.group != i.DeviceGroup && f.group != i.Given.DeviceGroup {
		return fmt.Errorf("device-group: must be left out, or be the one that this device is enrolled in, %q; is %q", i.DeviceGroup, f.group)
	}
	s.group = i.DeviceGroup
	s.broker, err = f.broker.OptionsFor(cmp.Or(f.broker.URL, i.BrokerURL))
	return err
}

// keeper keeps the identity of a device that has, or gets, one.
func (f *workerFlags) keeper(s standing, log *slog.Logger) *identity.Keeper {
	o := identity.Options{
		Dir: f.stateDir, Root: topics.Root(f.topicRoot), Device: s.device, Token: s.token, EnrollURL: f.enroll.url, Group: s.group,
		Given: identity.Given{BrokerURL: f.broker.Public(), DeviceGroup: f.group}, Broker: s.broker, Built: selfcheck.Built(), Log: log,
	}
	if s.fresh {
		o.Group = "" // nothing works for it yet
	}
	if s.broker.TLS != nil {
		o.Roots = s.broker.TLS.RootCAs
	}
	return identity.New(o)
}

// enrollFirst gets the identity of a device that has nothing to run without one. Whoever has started it by hand learns of a refusal by
// its end; systemd would only start it again.
func enrollFirst(ctx context.Context, dir string, k *identity.Keeper, s *systemd) error {
	unlock, err := worker.Lock(dir)
	if err != nil {
		return err
	}
	defer unlock()
	enrolled := make(chan error, 1)
	enroll := k.Enroll
	if s.supervises {
		enroll = k.EnrollAtLength
	}
	go func() { enrolled <- enroll(ctx) }()
	s.beat()
	ticks := time.NewTicker(s.every)
	defer ticks.Stop()
	for {
		select {
		case err := <-enrolled:
			if err != nil && ctx.Err() == nil {
				return fmt.Errorf("enroll this device: %w", err)
			}
			return err
		case <-ticks.C:
			s.beat()
		}
	}
}
