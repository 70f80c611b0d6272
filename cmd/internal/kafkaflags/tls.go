package kafkaflags

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/pflag"
	"github.com/youmark/pkcs8"

	"muster/cmd/internal/settings"
)

// tlsFiles are the files of a connection with TLS.
type tlsFiles struct{ ca, cert, key, keyPassword string }

func (f *tlsFiles) declare(flags *pflag.FlagSet) {
	flags.StringVar(&f.ca, "kafka-ca-file", "", "PEM file with the certificate authorities to trust for Kafka's brokers, instead of the system's")
	flags.StringVar(&f.cert, "kafka-cert-file", "", "PEM file with the certificate to show to Kafka's brokers; read again for each connection")
	flags.StringVar(&f.key, "kafka-key-file", "", "PEM file with the key of that certificate")
	flags.StringVar(&f.keyPassword, "kafka-key-password", "", "password of that key, when it is encrypted (PKCS #8)")
}

func (f *tlsFiles) check() error {
	switch {
	case (f.cert == "") != (f.key == ""):
		return errors.New("kafka-cert-file and kafka-key-file: must be given together")
	case f.keyPassword != "" && f.key == "":
		return errors.New("kafka-key-password: is of no use without kafka-key-file")
	}
	return nil
}

// config reads the files.
func (f *tlsFiles) config() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if f.ca != "" {
		roots, err := settings.CAFile("kafka-ca-file", f.ca)
		if err != nil {
			return nil, err
		}
		config.RootCAs = roots
	}
	if f.cert == "" {
		return config, nil
	}
	if _, err := f.certificate(); err != nil {
		return nil, err
	}
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return f.certificate() }
	return config, nil
}

func (f *tlsFiles) certificate() (*tls.Certificate, error) {
	cert, err := os.ReadFile(f.cert)
	if err != nil {
		return nil, fmt.Errorf("kafka-cert-file: %w", err)
	}
	key, err := f.decrypted()
	if err != nil {
		return nil, fmt.Errorf("kafka-key-file: %w", err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("kafka-cert-file and kafka-key-file: %w", err)
	}
	return &pair, nil
}

// decrypted is the key in PEM.
func (f *tlsFiles) decrypted() ([]byte, error) {
	content, err := os.ReadFile(f.key)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(content)
	switch {
	case block == nil:
		return nil, fmt.Errorf("%s holds no PEM key", f.key)
	case block.Headers["DEK-Info"] != "":
		return nil, fmt.Errorf("%s is encrypted in the old way of OpenSSL, which is not safe: convert it with openssl pkcs8 -topk8", f.key)
	case block.Type != "ENCRYPTED PRIVATE KEY":
		return content, nil
	case f.keyPassword == "":
		return nil, fmt.Errorf("%s is encrypted: kafka-key-password must be given", f.key)
	}
	key, err := pkcs8.ParsePKCS8PrivateKey(block.Bytes, []byte(f.keyPassword))
	if err != nil {
		return nil, fmt.Errorf("%s: kafka-key-password does not fit, or the key is damaged", f.key)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}
