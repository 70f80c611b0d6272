package kafkaflags_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/youmark/pkcs8"

	"muster/bridge"
	"muster/bridge/kafka"
	"muster/cmd/internal/kafkaflags"
	"muster/cmd/internal/settings"
	"muster/test/rig"
)

func parse(t *testing.T, args ...string) *kafkaflags.SinkFlags {
	t.Helper()
	var f kafkaflags.SinkFlags
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	f.Declare(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return &f
}

func brokers(t *testing.T, options ...kfake.Opt) string {
	t.Helper()
	c, err := kfake.NewCluster(append(options, kfake.NumBrokers(1), kfake.SeedTopics(1, "nebula-reports"))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return "--kafka-brokers=" + c.ListenAddrs()[0]
}

// write brings a report to Kafka with these settings.
func write(t *testing.T, args ...string) error {
	t.Helper()
	f := parse(t, args...)
	if err := f.Check(); err != nil {
		t.Fatal(err)
	}
	c, err := f.Cluster("test", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	sink, err := kafka.NewSink(kafka.SinkOptions{Cluster: c, Topic: f.Topic(), Timeout: 3 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Close()
	r := bridge.Read("muster/v1/devices/d1/report", "d1", []byte(`{}`), time.Now())
	r.Offset = 1
	return sink.Write(t.Context(), []bridge.Record{r})
}

func TestOpen(t *testing.T) {
	sink, err := parse(t, brokers(t)).Open("test", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Close()
	r := bridge.Read("muster/v1/devices/d1/report", "d1", []byte(`no report`), time.Now())
	if err := sink.Write(t.Context(), []bridge.Record{r}); err != nil || sink.LeftOut()["discarded"] != 1 {
		t.Errorf("there is no topic for dead letters: %v, %v", sink.LeftOut(), err)
	}
}

func TestLogin(t *testing.T) {
	const secret = "pass word"
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		t.Run(mechanism, func(t *testing.T) {
			t.Parallel()
			addr := brokers(t, kfake.EnableSASL(), kfake.Superuser(mechanism, "u", secret))
			login := []string{addr, "--kafka-security-protocol=SASL_PLAINTEXT", "--kafka-sasl-mechanism=" + mechanism, "--kafka-user=u"}
			if err := write(t, append(login, "--kafka-password="+secret)...); err != nil {
				t.Error(err)
			}
			if err := write(t, append(login, "--kafka-password-file="+file)...); err != nil {
				t.Errorf("password in a file: %v", err)
			}
			err := write(t, append(login, "--kafka-password=wrong-secret")...)
			if err == nil || !strings.Contains(err.Error(), `password of user "u"`) || strings.Contains(err.Error(), "wrong-secret") {
				t.Errorf("wrong password: %v", err)
			}
		})
	}
}

// The brokers show a certificate and want one, whose key is encrypted.
func TestTLS(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	rig.WriteCertificate(t, file("broker.pem"), file("broker.key"), time.Hour)
	mine := rig.WriteCertificate(t, file("mine.pem"), file("mine.key"), time.Hour)
	pair, err := tls.LoadX509KeyPair(file("broker.pem"), file("broker.key"))
	if err != nil {
		t.Fatal(err)
	}
	encrypt(t, file("mine.key"), file("encrypted.key"), "key-secret")
	addr := brokers(t, kfake.TLS(&tls.Config{
		Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS12,
		VerifyPeerCertificate: func(shown [][]byte, _ [][]*x509.Certificate) error {
			if string(shown[0]) != string(mine.Raw) {
				return errors.New("another certificate")
			}
			return nil
		},
	}))
	encrypted := []string{addr, "--kafka-security-protocol=SSL", "--kafka-cert-file=" + file("mine.pem"), "--kafka-key-file=" + file("encrypted.key")}
	if err := write(t, append(encrypted, "--kafka-ca-file="+file("broker.pem"), "--kafka-key-password=key-secret")...); err != nil {
		t.Error(err)
	}
	err = write(t, append(encrypted, "--kafka-ca-file="+file("mine.pem"), "--kafka-key-password=key-secret")...)
	if err == nil || !strings.Contains(err.Error(), "certificate signed by unknown authority") {
		t.Errorf("brokers of another authority: %v", err)
	}
	for _, tc := range []struct{ password, want string }{{"wrong-secret", "does not fit"}, {"", "must be given"}} {
		_, err := parse(t, append(encrypted, "--kafka-key-password="+tc.password)...).Open("test", slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "wrong-secret") {
			t.Errorf("key's password %q: error is %v, want %q in it", tc.password, err, tc.want)
		}
	}
}

// encrypt writes a key into another file, encrypted.
func encrypt(t *testing.T, from, to, password string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(content)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	der, err := pkcs8.MarshalPrivateKey(key, []byte(password), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestWhatContradictsItselfIsRefused(t *testing.T) {
	const some = "--kafka-brokers=k1:9092,k2"
	login := []string{some, "--kafka-security-protocol=SASL_SSL", "--kafka-sasl-mechanism=PLAIN", "--kafka-user=u", "--kafka-password=secret"}
	for _, args := range [][]string{{}, {some}, login, {some, "--kafka-dead-letter-topic="}} {
		if err := parse(t, args...).Check(); err != nil {
			t.Errorf("%v: %v", args, err)
		}
	}
	for _, tc := range []struct {
		args []string
		want []string
	}{
		{[]string{"--kafka-brokers=k1:"}, []string{"kafka-brokers", `"k1:"`}},
		{[]string{"--kafka-brokers=k1:abc"}, []string{"kafka-brokers", "1 to 65535", `"k1:abc"`}},
		{[]string{"--kafka-brokers=k1:0"}, []string{"kafka-brokers", "1 to 65535", `"k1:0"`}},
		{[]string{"--kafka-brokers=k1:65536"}, []string{"kafka-brokers", "1 to 65535", `"k1:65536"`}},
		{[]string{"--kafka-brokers=k1,"}, []string{"kafka-brokers", `""`}},
		{[]string{some, "--kafka-topic=a b"}, []string{"kafka-topic", `"a b"`}},
		{[]string{some, "--kafka-dead-letter-topic=a/b"}, []string{"kafka-dead-letter-topic", `"a/b"`}},
		{[]string{some, "--kafka-dead-letter-topic=nebula-reports"}, []string{"kafka-dead-letter-topic", "another"}},
		{[]string{some, "--kafka-security-protocol=TLS"}, []string{"kafka-security-protocol", `"TLS"`}},
		{[]string{some, "--kafka-user=u"}, []string{"kafka-user", "SASL_PLAINTEXT"}},
		{append(login, "--kafka-sasl-mechanism=GSSAPI"), []string{"kafka-sasl-mechanism", "SCRAM-SHA-512", `"GSSAPI"`}},
		{append(login, "--kafka-user="), []string{"kafka-user", "must be given"}},
		{append(login, "--kafka-password="), []string{"kafka-password", "must be given"}},
		{append(login, "--kafka-password-file=x"), []string{"kafka-password-file", "both"}},
		{[]string{some, "--kafka-ca-file=x"}, []string{"kafka-ca-file", "SSL"}},
		{append(login, "--kafka-cert-file=x"), []string{"kafka-key-file", "together"}},
		{append(login, "--kafka-key-password=x"), []string{"kafka-key-password", "kafka-key-file"}},
		{[]string{"--kafka-user=u"}, []string{"kafka-user", "kafka-brokers"}},
		{[]string{"--kafka-ca-file=x"}, []string{"kafka-ca-file", "kafka-brokers"}},
	} {
		err := parse(t, tc.args...).Check()
		for _, want := range tc.want {
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%v: error is %v, want %q in it", tc.args, err, want)
			}
		}
	}
}

// A Nebula's environment is understood.
func TestNebulaNames(t *testing.T) {
	var f kafkaflags.SinkFlags
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	f.Declare(flags)
	for name := range kafkaflags.NebulaNames {
		if flags.Lookup(name) == nil {
			t.Errorf("there is no flag %s", name)
		}
	}
	env := map[string]string{
		"KAFKA_BOOTSTRAP_SERVERS": "k1:9092,k2:9092", "KAFKA_TOPIC": "old", "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT", "KAFKA_SASL_MECHANISM": "PLAIN",
		"KAFKA_SASL_PLAIN_USERNAME": "u", "KAFKA_SASL_PLAIN_PASSWORD": "p",
	}
	err := settings.Load(flags, kafkaflags.NebulaNames, func(name string) (string, bool) { return env[name], env[name] != "" })
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Check(); err != nil {
		t.Error(err)
	}
	c, err := f.Cluster("test", slog.New(slog.DiscardHandler))
	if err != nil || strings.Join(c.Brokers, " ") != "k1:9092 k2:9092" || f.Topic() != "old" || c.Username != "u" || c.Password != "p" || c.Mechanism != "PLAIN" {
		t.Errorf("%+v, %v", c, err)
	}
}
