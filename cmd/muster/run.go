package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"muster/bridge/mqtt"
	"muster/cmd/internal/program"
	"muster/manager/admission"
	"muster/manager/api"
	"muster/manager/auth"
	"muster/manager/authority"
	"muster/manager/certificate"
	"muster/manager/checkin"
	"muster/manager/devices"
	"muster/manager/health"
	"muster/manager/metrics"
	"muster/manager/publish"
	"muster/manager/retention"
	"muster/manager/snapshot"
	"muster/manager/summary"
	"muster/topics"
	"muster/topics/token"
)

// checkinShare is what managers on one broker share check-ins by.
const checkinShare = "muster-managers"

// serve opens the parts from the store upwards, runs them until ctx ends or one of them fails, and closes them
// in the opposite order. admin is told the password at the start that makes it, whatever becomes of that start.
func serve(ctx context.Context, f serveFlags, admin io.Writer, log *slog.Logger) (err error) {
	closing := func(close func() error) { err = errors.Join(err, close()) }

	root, err := topics.ParseRoot(f.topicRoot)
	if err != nil {
		return fmt.Errorf("topic-root: %w", err)
	}
	proxies, err := f.proxies()
	if err != nil {
		return err
	}
	var shown certificate.Servers
	if shown.Files, err = f.certificate.files(log); err != nil {
		return &program.UsageError{Err: err}
	}
	seals, err := f.seals.open()
	if err != nil {
		return &program.UsageError{Err: err}
	}
	dir, err := openDataDir(f.dataDir)
	if err != nil {
		return err
	}
	defer closing(dir.close)
	name := f.name
	if name == "" {
		if name, err = dir.managerName(); err != nil {
			return err
		}
	}
	known, err := openAuth(f, dir, admin)
	if err != nil {
		return err
	}
	opened, err := f.store.open(ctx, dir, log)
	if err != nil {
		return err
	}
	defer closing(opened.Close)
	measures := metrics.New(program.Version())
	documents := measures.Store(opened)
	known.Users, known.CacheTime, known.Log = documents, f.cacheTime, log
	who, err := auth.New(known)
	if err != nil {
		return err
	}
	authorities, err := authority.Open(ctx, documents.Authorities(), authority.Options{
		By: name, Seals: seals, Identities: documents.Identities(), Grace: f.certificate.grace, Every: f.cacheTime, Log: log,
	})
	if err != nil {
		return err
	}
	if shown.Fleet, err = f.certificate.issue(authorities, dir, log); err != nil {
		return err
	}
	if shown.ACME, err = f.certificate.acme.open(documents.ACME(), log); err != nil {
		return err
	}
	gate, err := admission.New(admission.Options{
		Identities: documents.Identities(), Tokens: documents.Tokens(), Events: documents.Devices(), People: who,
		Authorities: authorities, Grace: f.certificate.grace, DevicePassword: f.devicePassword, CacheTime: f.cacheTime, Log: log,
	})
	if err != nil {
		return err
	}
	documents = gate.Store(documents)
	reports, err := openReports(f, dir, documents, log)
	if err != nil {
		return err
	}
	defer closing(reports.close)
	bus, err := openBus(f, root, name, gate, reports, shown.TLS(), log)
	if err != nil {
		return err
	}
	defer closing(bus.close)

	configs := snapshot.New(documents, time.Now, log)
	configs.CacheTime = f.cacheTime
	publisher, err := publish.New(bus, configs, documents.Snapshots(), publish.Options{
		Root: root, Epoch: documents.Epoch(), Manager: name, Agent: agent(), Interval: f.cacheTime, Settle: bus.settle(), Log: log,
	})
	if err != nil {
		return err
	}
	state := health.New(health.Options{Store: documents.Ping, Broker: bus.connected, Log: log})
	fleet := devices.New(bus, documents.Devices(), configs, devices.Options{Root: root, CacheTime: f.cacheTime, Identities: documents.Identities(), Log: log})
	enrolling, err := f.enroll.open(bus, root, documents, authorities, fleet.Identified, f.cacheTime, log)
	if err != nil {
		return err
	}
	bus.guard(gate, fleet.GroupOf)
	handler, err := api.New(api.Options{
		Store: documents, Configs: configs, Auth: who, Fleet: fleet, Enrollment: enrolling, Pin: authorities.Pin, Authorities: authorities, Changed: publisher.Poke, Log: log, CacheTime: f.cacheTime, TrustedProxies: proxies, RequestRate: int(f.requestRate), Probes: probes(state),
		Metrics: measures.Handler(), Observe: measures.Request, Root: root, Brokers: asked{gate},
	})
	if err != nil {
		return err
	}
	rest, err := listenREST(f.addr, handler, shown.TLS(), log)
	if err != nil {
		return err
	}
	if err := announce(dir, bus, rest, authorities.Pin(), log); err != nil {
		return err
	}
	checkins := checkin.New(bus, configs, publisher, checkin.Options{
		Root: root, Share: checkinShare, QoS: bus.replyQoS(), Heard: fleet.Heard, Log: log,
	})
	summaries := summary.New(bus, configs, fleet, summary.Options{Root: root, Behind: publisher.Behind, Log: log})
	measures.Watch(metrics.Parts{
		Configs: configs, Publisher: publisher, Checkins: checkins, Devices: fleet, Connected: bus.connected, Server: bus.server,
	})
	if f.addr.overTLS() {
		measures.WatchCertificate(shown.Expiry)
	}
	if reports != nil {
		measures.WatchBridge(reports.Stats)
	}
	var source *mqtt.Source
	if reports != nil && f.broker.URL != "" {
		if source, err = f.source.source(&f.broker, root, managersName, reports, log); err != nil {
			return err
		}
		measures.WatchSource(source.Stats)
	}
	// The others end after the API, so that what its last requests change still goes out.
	others, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		publisher.Run(others)
		return nil
	})
	group.Go(func() error { return checkins.Run(others) })
	enrolling.run(others, group)
	group.Go(func() error {
		fleet.Run(others)
		return nil
	})
	group.Go(func() error {
		gate.Run(others)
		return nil
	})
	group.Go(func() error {
		summaries.Run(others)
		return nil
	})
	group.Go(func() error { return reports.run(others) })
	group.Go(func() error {
		authorities.Follow(others)
		return nil
	})
	group.Go(func() error {
		shown.Run(others)
		return nil
	})
	if source != nil {
		group.Go(func() error { return source.Run(others) })
	}
	group.Go(func() error {
		retention.New(documents.Reports(), f.reportTTL, log).Run(others)
		return nil
	})
	group.Go(func() error {
		defer stop()
		return serveREST(ctx, rest, state, f.drainTime)
	})
	return group.Wait()
}

// openAuth says whom the configuration lets in. It makes the admin's password if it is not configured, and tells it if it was made just now.
func openAuth(f serveFlags, dir *dataDir, admin io.Writer) (auth.Config, error) {
	password, created, err := auth.LoadOrCreate(dir.path, f.basicAuthPassword)
	if err == nil && created {
		_, err = fmt.Fprintf(admin, "\n  user      %s\n  password  %s\n\n  The password is shown this once, and kept in %s.\n\n",
			f.basicAuthUser, password, filepath.Join(dir.path, auth.AdminPasswordFile))
	}
	if err != nil {
		return auth.Config{}, fmt.Errorf("data-dir: %w", err)
	}
	return auth.Config{
		Disabled: !f.authEnabled, AdminUser: f.basicAuthUser, AdminPassword: password, AdminToken: f.authToken,
	}, nil
}

// announce tells scripts and the log where the process listens.
func announce(dir *dataDir, bus bus, rest servers, pin token.Pin, log *slog.Logger) error {
	at := bus.addrs()
	at[httpAddrFile], at[httpsAddrFile] = rest.addr(rest.plain), rest.addr(rest.overTLS)
	attrs := []any{"data_dir", dir.path, "ca_pin", pin.String()}
	for _, file := range addrFiles {
		if at[file] == "" {
			continue
		}
		if err := dir.write(file, at[file]+"\n"); err != nil {
			return err
		}
		attrs = append(attrs, strings.TrimSuffix(file, ".addr"), at[file])
	}
	log.Info("ready", attrs...)
	return nil
}
