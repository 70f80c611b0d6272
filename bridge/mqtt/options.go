package mqtt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"muster/bridge"
	"muster/broker/client/network"
	"muster/topics"
)

// Options say what a [Source] is to do. Broker, Name, Instance and Take are required.
type Options struct {
	// Broker says how to reach the broker. ClientID, Will, Session and Log are set here.
	Broker network.Options
	// Root is the topics' prefix, by default [topics.DefaultRoot].
	Root topics.Root
	// Name is the bridge's, and with the root that of its session at the broker. It must stay the same from start to start.
	// Bridges of one name take turns.
	Name string
	// Instance tells the processes of one name apart, and stays the same from start to start too.
	Instance string
	// Agent names the program and its version, for people.
	Agent string
	// Part is which devices to take; the others' reports are for other bridges, with names of their own.
	Part Part
	// Share, when not empty, has the broker give each report to one of the bridges with that share, which need names of their own.
	// A device's reports are then in no order, and those that the broker has given to a bridge that is away wait for it.
	Share string
	// Expiry is how long the broker is to keep the session while no bridge has it; by default a week.
	Expiry time.Duration
	// ReceiveMaximum is how many reports may be on their way from the broker; by default 1000.
	ReceiveMaximum uint16
	// Take spools records: see [bridge.Bridge.Take].
	Take func(ctx context.Context, records ...bridge.Record) error
	// Log is where the source's troubles are noted; by default nowhere.
	Log *slog.Logger
}

func (o Options) withDefaults() (Options, error) {
	o.Root = cmp.Or(o.Root, topics.DefaultRoot)
	o.Expiry = cmp.Or(o.Expiry, 7*24*time.Hour)
	o.ReceiveMaximum = cmp.Or(o.ReceiveMaximum, 1000)
	if err := topics.CheckName(o.Name); err != nil {
		return o, fmt.Errorf("bridge name %q: %w", o.Name, err)
	}
	if o.Instance == "" || o.Take == nil {
		return o, errors.New("a source of reports needs an instance and a function that takes them")
	}
	if o.Share != "" {
		if err := topics.CheckName(o.Share); err != nil {
			return o, fmt.Errorf("bridge share %q: %w", o.Share, err)
		}
	}
	if o.Share != "" && o.Part.Of > 1 {
		return o, errors.New("bridges either split the devices into parts or share their reports, not both")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o, nil
}

// clientID names the session at the broker. No device is called that: their names have no slash.
func (o *Options) clientID() string { return string(o.Root) + "/bridges/" + o.Name }
