package brokerflags

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strings"

	"muster/cmd/internal/settings"
)

// tls says whom to trust and what to show at that URL; it is nil when no flag says anything of it.
func (f *Flags) tls(url string) (*tls.Config, error) {
	if f.caFile+f.certFile+f.keyFile == "" {
		return nil, nil
	}
	// Without TLS there is nothing that the certificates could prove.
	if scheme, _, _ := strings.Cut(url, ":"); scheme == "mqtt" || scheme == "ws" {
		flag := "broker-ca-file"
		if f.caFile == "" {
			flag = "broker-cert-file and broker-key-file"
		}
		return nil, fmt.Errorf("%s: needs a broker-url with TLS, mqtts:// or wss://, not %s://", flag, scheme)
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if f.caFile != "" {
		roots, err := settings.CAFile("broker-ca-file", f.caFile)
		if err != nil {
			return nil, err
		}
		config.RootCAs = roots
	}
	if f.certFile+f.keyFile == "" {
		return config, nil
	}
	if _, err := f.certificate(); err != nil {
		return nil, err
	}
	// Read each time: whoever renews the files need not restart anything.
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return f.certificate() }
	return config, nil
}

func (f *Flags) certificate() (*tls.Certificate, error) {
	if f.certFile == "" || f.keyFile == "" {
		return nil, errors.New("broker-cert-file and broker-key-file: must be given together")
	}
	pair, err := tls.LoadX509KeyPair(f.certFile, f.keyFile)
	if err != nil {
		return nil, fmt.Errorf("broker-cert-file and broker-key-file: %w", err)
	}
	return &pair, nil
}
