package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"

	"muster/broker/client"
	"muster/cmd/internal/settings"
	"muster/manager/enroll"
	"muster/manager/store"
	"muster/topics"
)

// enrollFlags say what devices are given that show an enrollment token.
type enrollFlags struct {
	life      time.Duration
	brokerURL string
}

func (f *enrollFlags) declare(flags *pflag.FlagSet) {
	settings.DurationVar(flags, &f.life, "device-certificate-life", enroll.DefaultLife, "how long a device's certificate is good for; devices renew it after two thirds of that")
	flags.StringVar(&f.brokerURL, "device-broker-url", "", "URL of the MQTT broker that devices are told when they enroll or renew; without, they stay at the one that they have")
}

// minLife is the shortest life of a device's certificate: some devices are not connected for that long.
const minLife = time.Minute

func (f *enrollFlags) check() error {
	if f.life < minLife {
		return fmt.Errorf("device-certificate-life: must be %s or longer, is %s", minLife, f.life)
	}
	if f.brokerURL == "" {
		return nil
	}
	if u, err := url.Parse(f.brokerURL); err != nil || u.Host == "" || u.User != nil {
		return fmt.Errorf("device-broker-url: must be a URL such as mqtts://muster.example:8883, without a user")
	}
	return nil
}

// An enrollment is what makes devices of strangers.
type enrollment struct {
	*enroll.Desk
	responder *enroll.Responder
	sweeper   *enroll.Sweeper
}

// open prepares it. known hears of each identity that changes.
func (f *enrollFlags) open(c client.Client, root topics.Root, documents store.Store, authority enroll.Authority, known func(store.Identity), cacheTime time.Duration, log *slog.Logger) (*enrollment, error) {
	desk, err := enroll.New(enroll.Options{
		Tokens: documents.Tokens(), Identities: documents.Identities(), Devices: documents.Devices(), Audit: documents.Audit(),
		Authority: authority, Life: f.life, BrokerURL: f.brokerURL, CacheTime: cacheTime, Changed: known, Log: log,
	})
	if err != nil {
		return nil, err
	}
	return &enrollment{
		desk, enroll.NewResponder(c, desk, enroll.ResponderOptions{Root: root, Share: checkinShare, Log: log}),
		&enroll.Sweeper{Tokens: documents.Tokens(), Identities: documents.Identities(), Log: log},
	}, nil
}

// run answers devices until ctx ends.
func (e *enrollment) run(ctx context.Context, in *errgroup.Group) {
	in.Go(func() error { return e.responder.Run(ctx) })
	in.Go(func() error {
		e.sweeper.Run(ctx)
		return nil
	})
}
