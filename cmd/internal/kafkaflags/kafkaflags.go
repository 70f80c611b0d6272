// Package kafkaflags declares the settings by which a program reaches Kafka. They go by Nebula's names as well.
package kafkaflags

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"muster/bridge/kafka"
	"muster/cmd/internal/settings"
)

// NebulaNames are the environment variables of Nebula's worker and reporter.
var NebulaNames = settings.Aliases{
	"kafka-brokers":           {"KAFKA_BOOTSTRAP_SERVERS"},
	"kafka-topic":             {"KAFKA_TOPIC"},
	"kafka-security-protocol": {"KAFKA_SECURITY_PROTOCOL"},
	"kafka-sasl-mechanism":    {"KAFKA_SASL_MECHANISM"},
	"kafka-user":              {"KAFKA_SASL_PLAIN_USERNAME"},
	"kafka-password":          {"KAFKA_SASL_PLAIN_PASSWORD"},
	"kafka-ca-file":           {"KAFKA_SSL_CAFILE"},
	"kafka-cert-file":         {"KAFKA_SSL_CERTFILE"},
	"kafka-key-file":          {"KAFKA_SSL_KEYFILE"},
	"kafka-key-password":      {"KAFKA_SSL_PASSWORD"},
}

// The security protocols, in Kafka's words: whether there is TLS and whether there is a login.
const (
	plaintext     = "PLAINTEXT"
	ssl           = "SSL"
	saslPlaintext = "SASL_PLAINTEXT"
	saslSSL       = "SASL_SSL"
)

// Flags are the settings, after the flags have been parsed.
type Flags struct {
	brokers      []string
	topic        string
	protocol     string
	mechanism    string
	user         string
	password     string
	passwordFile string
	tls          tlsFiles
}

// Declare adds the flags. usage describes --kafka-brokers, and topic --kafka-topic.
func (f *Flags) Declare(flags *pflag.FlagSet, usage, topic string) {
	flags.StringSliceVar(&f.brokers, "kafka-brokers", nil, usage+": HOST:PORT of some of its brokers, comma separated")
	flags.StringVar(&f.topic, "kafka-topic", kafka.DefaultTopic, topic)
	flags.StringVar(&f.protocol, "kafka-security-protocol", plaintext, "whether Kafka's brokers want TLS or a login: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL")
	flags.StringVar(&f.mechanism, "kafka-sasl-mechanism", "", "how to log in to Kafka: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512")
	flags.StringVar(&f.user, "kafka-user", "", "user name at Kafka's brokers")
	flags.StringVar(&f.password, "kafka-password", "", "password at Kafka's brokers")
	flags.StringVar(&f.passwordFile, "kafka-password-file", "", "file that holds that password, so that it does not show up in the list of processes")
	f.tls.declare(flags)
}

// Given reports whether there is a Kafka.
func (f *Flags) Given() bool { return len(f.brokers) > 0 }

// Check refuses what can be refused without looking at any file: what contradicts itself, and what nobody would look at.
func (f *Flags) Check() error {
	if !f.Given() {
		return f.checkUnused()
	}
	for _, broker := range f.addrs() {
		host, port, err := net.SplitHostPort(broker)
		if err != nil || host == "" {
			return fmt.Errorf("kafka-brokers: each must be HOST:PORT, is %q", broker)
		}
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return fmt.Errorf("kafka-brokers: the port must be from 1 to 65535, is %q", broker)
		}
	}
	if err := checkTopic("kafka-topic", f.topic); err != nil {
		return err
	}
	switch {
	case !slices.Contains([]string{plaintext, ssl, saslPlaintext, saslSSL}, f.protocol):
		return fmt.Errorf("kafka-security-protocol: must be PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL, is %q", f.protocol)
	case f.password != "" && f.passwordFile != "":
		return errors.New("kafka-password and kafka-password-file: must not both be given")
	case !f.login() && f.mechanism+f.user+f.password+f.passwordFile != "":
		return fmt.Errorf("kafka-sasl-mechanism, kafka-user and kafka-password: need the kafka-security-protocol SASL_PLAINTEXT or SASL_SSL, it is %s", f.protocol)
	case f.login() && !slices.Contains([]string{kafka.Plain, kafka.ScramSHA256, kafka.ScramSHA512}, f.mechanism):
		return fmt.Errorf("kafka-sasl-mechanism: must be %s, %s or %s, is %q", kafka.Plain, kafka.ScramSHA256, kafka.ScramSHA512, f.mechanism)
	case f.login() && (f.user == "" || f.password+f.passwordFile == ""):
		return fmt.Errorf("kafka-user and kafka-password: must be given with the kafka-security-protocol %s", f.protocol)
	case !f.encrypted() && f.tls != tlsFiles{}:
		return fmt.Errorf("kafka-ca-file, kafka-cert-file and kafka-key-file: need the kafka-security-protocol SSL or SASL_SSL, it is %s", f.protocol)
	}
	return f.tls.check()
}

func (f *Flags) checkUnused() error {
	for _, given := range []struct{ flag, value string }{
		{"kafka-user", f.user}, {"kafka-password", f.password}, {"kafka-password-file", f.passwordFile}, {"kafka-sasl-mechanism", f.mechanism},
		{"kafka-ca-file", f.tls.ca}, {"kafka-cert-file", f.tls.cert}, {"kafka-key-file", f.tls.key},
	} {
		if given.value != "" {
			return fmt.Errorf("%s: is of no use without kafka-brokers", given.flag)
		}
	}
	return nil
}

// checkTopic refuses what no broker takes as a topic's name.
func checkTopic(flag, name string) error {
	const allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
	if name == "" || len(name) > 249 || strings.Trim(name, allowed) != "" || name == "." || name == ".." {
		return fmt.Errorf("%s: must be 1 to 249 letters, digits, dots, underscores and dashes, is %q", flag, name)
	}
	return nil
}

func (f *Flags) login() bool { return f.protocol == saslPlaintext || f.protocol == saslSSL }

func (f *Flags) encrypted() bool { return f.protocol == ssl || f.protocol == saslSSL }

// addrs are the brokers, with Kafka's own port where none is given, as Nebula's Kafka client has it.
func (f *Flags) addrs() (addrs []string) {
	for _, broker := range f.brokers {
		broker = strings.TrimSpace(broker)
		if broker != "" && !strings.Contains(broker, ":") {
			broker += ":9092"
		}
		addrs = append(addrs, broker)
	}
	return addrs
}

// Topic is that of reports.
func (f *Flags) Topic() string { return f.topic }

// Cluster reads the files and says how Kafka is reached. Check has been passed.
func (f *Flags) Cluster(clientID string, log *slog.Logger) (kafka.Cluster, error) {
	c := kafka.Cluster{Brokers: f.addrs(), ClientID: clientID, Log: log, Mechanism: f.mechanism, Username: f.user, Password: f.password}
	if f.passwordFile != "" {
		password, err := settings.SecretFile("kafka-password-file", f.passwordFile)
		if err != nil {
			return kafka.Cluster{}, err
		}
		c.Password = string(password)
	}
	if f.encrypted() {
		config, err := f.tls.config()
		if err != nil {
			return kafka.Cluster{}, err
		}
		c.TLS = config
	}
	return c, nil
}

// SinkFlags are the settings of a program that writes reports to Kafka.
type SinkFlags struct {
	Flags
	deadLetterTopic string
	createTopics    bool
}

// Declare adds the flags.
func (f *SinkFlags) Declare(flags *pflag.FlagSet) {
	f.Flags.Declare(flags, "write reports to this Kafka as well", "Kafka topic that reports are written to")
	flags.StringVar(&f.deadLetterTopic, "kafka-dead-letter-topic", kafka.DefaultDeadLetterTopic, "Kafka topic for what devices sent as reports and is none, or is too large for the other, each with the reason; empty is none")
	flags.BoolVar(&f.createTopics, "kafka-create-topics", true, "whether topics that are not there are made, if the brokers are set up to make them by themselves")
}

// Check is as that of [Flags].
func (f *SinkFlags) Check() error {
	if err := f.Flags.Check(); err != nil || !f.Given() || f.deadLetterTopic == "" {
		return err
	}
	if f.deadLetterTopic == f.topic {
		return fmt.Errorf("kafka-dead-letter-topic: must be another than kafka-topic, is %q too", f.topic)
	}
	return checkTopic("kafka-dead-letter-topic", f.deadLetterTopic)
}

// Open makes the sink. It is not connected until it is first used.
func (f *SinkFlags) Open(clientID string, log *slog.Logger) (*kafka.Sink, error) {
	c, err := f.Cluster(clientID, log)
	if err != nil {
		return nil, err
	}
	return kafka.NewSink(kafka.SinkOptions{Cluster: c, Topic: f.topic, DeadLetterTopic: f.deadLetterTopic, CreateTopics: f.createTopics})
}
