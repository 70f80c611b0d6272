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
	httpAddr    string
	httpsAddr   string
	mqttAddr    string
	mqttTLSAddr string
	mqttWSAddr  string
	mqttWSSAddr string
	tlsCertFile string
	tlsKeyFile  string
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
	flags.StringVar(&f.dataDir, "data-dir", "muster-data", "directory of the store (unless it is in MongoDB), the secrets made at the first start, and the files http.addr and mqtt.addr")
	f.store.declare(flags)
	flags.StringVar(&f.httpAddr, "http-addr", "127.0.0.1:8080", "HOST:PORT of the REST API; port 0 picks a free one, empty is off")
	flags.StringVar(&f.httpsAddr, "https-addr", "", "HOST:PORT of the REST API over TLS, usually port 8443")
	flags.StringVar(&f.mqttAddr, "mqtt-addr", "127.0.0.1:1883", "HOST:PORT of the embedded MQTT broker; port 0 picks a free one, empty is off")
	flags.StringVar(&f.mqttTLSAddr, "mqtt-tls-addr", "", "HOST:PORT of the embedded MQTT broker over TLS, usually port 8883")
	flags.StringVar(&f.mqttWSAddr, "mqtt-ws-addr", "", "HOST:PORT of the embedded MQTT broker over WebSocket")
	flags.StringVar(&f.mqttWSSAddr, "mqtt-wss-addr", "", "HOST:PORT of the embedded MQTT broker over WebSocket with TLS")
	flags.StringVar(&f.tlsCertFile, "tls-cert-file", "", "PEM file with the certificate of --https-addr, --mqtt-tls-addr and --mqtt-wss-addr, and those it was issued by; read again when it changes")
	flags.StringVar(&f.tlsKeyFile, "tls-key-file", "", "PEM file with the key of that certificate")
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
	if f.httpAddr+f.httpsAddr == "" {
		return errors.New("http-addr: must not be empty, since no https-addr is given")
	}
	for _, addr := range []struct{ flag, value string }{
		{"http-addr", f.httpAddr}, {"https-addr", f.httpsAddr}, {"mqtt-addr", f.mqttAddr}, {"mqtt-tls-addr", f.mqttTLSAddr}, {"mqtt-ws-addr", f.mqttWSAddr}, {"mqtt-wss-addr", f.mqttWSSAddr},
	} {
		if addr.value == "" {
			continue
		}
		_, port, err := net.SplitHostPort(addr.value)
		if err != nil {
			return fmt.Errorf("%s: must be HOST:PORT, is %q", addr.flag, addr.value)
		}
		if _, err := net.LookupPort("tcp", port); err != nil {
			return fmt.Errorf("%s: the port must be from 0 to 65535, is %q", addr.flag, port)
		}
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
	if err := f.spool.check(); err != nil {
		return err
	}
	if err := f.kafka.Check(); err != nil {
		return err
	}
	if f.kafka.Given() && !f.bridge {
		return errors.New("kafka-brokers: are of no use with bridge=false")
	}
	if err := f.source.check(f.bridge && f.broker.URL != ""); err != nil {
		return err
	}
	for flag, addr := range map[string]string{"http-addr": f.httpAddr, "https-addr": f.httpsAddr} {
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
	overTLS := f.mqttTLSAddr + f.mqttWSSAddr
	switch {
	case (f.tlsCertFile == "") != (f.tlsKeyFile == ""):
		return errors.New("tls-cert-file and tls-key-file: must be given together")
	case overTLS+f.httpsAddr != "" && f.tlsCertFile == "":
		return errors.New("https-addr, mqtt-tls-addr and mqtt-wss-addr: need tls-cert-file and tls-key-file")
	case overTLS+f.httpsAddr == "" && f.tlsCertFile != "":
		return errors.New("tls-cert-file and tls-key-file: are of no use without https-addr, mqtt-tls-addr or mqtt-wss-addr")
	case f.broker.URL != "" && overTLS+f.mqttWSAddr != "":
		return errors.New("mqtt-tls-addr, mqtt-ws-addr and mqtt-wss-addr: are of no use with broker-url")
	case f.broker.URL != "":
		_, err := f.broker.Options()
		return err
	case f.mqttAddr+overTLS+f.mqttWSAddr == "":
		return errors.New("mqtt-addr: must not be empty, since no other address and no broker-url is given")
	}
	return f.broker.CheckUnused()
}

// loopback reports whether the address is one that only this machine reaches.
func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
