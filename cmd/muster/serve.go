package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"muster/cmd/internal/brokerflags"
	"muster/cmd/internal/kafkaflags"
	"muster/cmd/internal/program"
	"muster/cmd/internal/settings"
	"muster/manager/api"
	"muster/manager/retention"
	"muster/topics"
)

// nebulaNames are the environment variables of Nebula's manager.
var nebulaNames = settings.Aliases{
	"basic-auth-user":     {"BASIC_AUTH_USER"},
	"basic-auth-password": {"BASIC_AUTH_PASSWORD"},
	"auth-token":          {"AUTH_TOKEN"},
	"auth-enabled":        {"AUTH_ENABLED"},
	"cache-time":          {"CACHE_TIME"},
	"mongo-url":           {"MONGO_URL"},
	"mongo-database":      {"SCHEMA_NAME"},
	"report-ttl":          {"MONGO_REPORT_TTL"},
}

// serveFlags are the settings of "muster serve".
type serveFlags struct {
	dataDir     string
	store       storeFlags
	addr        addressFlags
	seals       sealFlags
	certificate certificateFlags
	broker      brokerflags.Flags
	bridge      bool
	spool       spoolFlags
	kafka       kafkaflags.SinkFlags
	source      sourceFlags

	basicAuthUser     string
	basicAuthPassword string
	authToken         string
	authEnabled       bool
	devicePassword    string
	trustedProxies    []string
	requestRate       uint16

	enroll    enrollFlags
	cacheTime time.Duration
	reportTTL time.Duration
	drainTime time.Duration
	topicRoot string
	name      string
	log       program.LogFlags
}

func newServe(stdout, stderr io.Writer) *cobra.Command {
	var f serveFlags
	command := &cobra.Command{
		Use:   "serve",
		Short: "Run everything that is not on a device: REST API, MQTT broker and store, in one process",
		Args:  cobra.NoArgs,
		RunE: f.log.Run(stderr, f.check, func(ctx context.Context, log *slog.Logger) error {
			return serve(ctx, f, stdout, log)
		}),
	}
	flags := command.Flags()
	flags.StringVar(&f.dataDir, "data-dir", "muster-data", "directory of the store (unless it is in MongoDB), the secrets made at the first start, the fleet's certificate authorities in ca.pem, and files such as http.addr that say where it listens")
	f.store.declare(flags)
	f.addr.declare(flags)
	f.certificate.declare(flags)
	f.seals.declare(flags)
	f.broker.Declare(flags, "use this external MQTT broker instead of the embedded one")
	flags.BoolVar(&f.bridge, "bridge", true, "whether to take devices' reports from the broker to the store; without, they are for whoever subscribes to them")
	f.spool.declare(flags)
	f.kafka.Declare(flags)
	f.source.declare(flags, managersName)
	flags.StringVar(&f.basicAuthUser, "basic-auth-user", "admin", "name of the local admin")
	flags.StringVar(&f.basicAuthPassword, "basic-auth-password", "", "password of the local admin, instead of the one in the data directory")
	flags.StringVar(&f.authToken, "auth-token", "", "bearer token of the local admin")
	flags.BoolVar(&f.authEnabled, "auth-enabled", true, "whether the REST API wants credentials; without, it listens on loopback only")
	flags.StringVar(&f.devicePassword, "device-password", "", "a password that lets in any device that has no identity of its own, by any name; better have devices enroll")
	flags.StringSliceVar(&f.trustedProxies, "trusted-proxies", nil, "addresses and CIDRs of reverse proxies whose X-Forwarded-For says whom a request is from, comma separated; of others it is ignored")
	flags.Uint16Var(&f.requestRate, "request-rate", 1000, "how many REST requests a second one user or API token may make, and ten times as many at once; 0 is no limit")
	f.enroll.declare(flags)
	settings.DurationVar(flags, &f.cacheTime, "cache-time", 10*time.Second, "how often the store is looked at for what other managers changed")
	settings.DurationVar(flags, &f.reportTTL, "report-ttl", retention.DefaultTTL, "how long reports are kept; the last one of each device is kept for ever")
	settings.DurationVar(flags, &f.drainTime, "drain-time", 0, "how long to go on serving after being told to stop, not ready any more, so that a load balancer notices")
	flags.StringVar(&f.topicRoot, "topic-root", string(topics.DefaultRoot), "prefix of all MQTT topics")
	flags.StringVar(&f.name, "manager-name", "", "this manager's name on MQTT; by default the host's, with a suffix that follows from the data directory")
	f.log.Declare(flags)
	names := maps.Clone(nebulaNames)
	maps.Copy(names, kafkaflags.NebulaNames)
	program.Settings(command, names)
	return command
}

// check refuses what can be refused before anything is opened.
func (f *serveFlags) check() error {
	if f.dataDir == "" {
		return errors.New("data-dir: must not be empty")
	}
	elsewhere := f.broker.URL != ""
	f.addr.resolve(elsewhere, !f.authEnabled)
	if err := f.addr.check(elsewhere); err != nil {
		return err
	}
	if err := f.certificate.check(f.addr.overTLS()); err != nil {
		return err
	}
	if _, err := topics.ParseRoot(f.topicRoot); err != nil {
		return fmt.Errorf("topic-root: %w", err)
	}
	if f.name != "" {
		if err := topics.CheckName(f.name); err != nil {
			return fmt.Errorf("manager-name: %q: %w", f.name, err)
		}
	}
	if f.basicAuthUser == "" || strings.Contains(f.basicAuthUser, ":") {
		return fmt.Errorf("basic-auth-user: must not be empty nor contain a colon, is %q", f.basicAuthUser)
	}
	if _, err := f.proxies(); err != nil {
		return err
	}
	if err := f.store.check(); err != nil {
		return err
	}
	if err := f.checkBroker(); err != nil {
		return err
	}
	if err := f.enroll.check(); err != nil {
		return err
	}
	if err := f.spool.check(); err != nil {
		return err
	}
	if err := f.kafka.Check(); err != nil {
		return err
	}
	if f.kafka.Given() && !f.bridge {
		return errors.New("kafka-brokers: are of no use with bridge=false")
	}
	if err := f.source.check(f.bridge && elsewhere); err != nil {
		return err
	}
	for flag, addr := range map[string]string{"http-addr": f.addr.http, "https-addr": f.addr.https} {
		if !f.authEnabled && addr != "" && !loopback(addr) {
			return fmt.Errorf("auth-enabled: must not be false unless %s is a loopback address, it is %s", flag, addr)
		}
	}
	return nil
}

// proxies are the reverse proxies in front of the REST API.
func (f *serveFlags) proxies() ([]net.IPNet, error) {
	proxies, err := api.ParseProxies(f.trustedProxies)
	if err != nil {
		return nil, fmt.Errorf("trusted-proxies: %w", err)
	}
	return proxies, nil
}

// checkBroker refuses what the broker, embedded or not, would not look at: whoever gave it expects something.
func (f *serveFlags) checkBroker() error {
	if f.broker.URL != "" {
		_, err := f.broker.Options()
		return err
	}
	return f.broker.CheckUnused()
}
