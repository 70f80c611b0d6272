package settings

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"os"
)

// SecretFile reads the secret in the file that a flag names: all of it but the line ends at its end. It must not be
// empty.
func SecretFile(flag, path string) ([]byte, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	secret := bytes.TrimRight(content, "\r\n")
	if len(secret) == 0 {
		return nil, fmt.Errorf("%s: %s is empty", flag, path)
	}
	return secret, nil
}

// CAFile reads the certificates in the PEM file that a flag names. There must be one.
func CAFile(flag, path string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s: %s holds no PEM certificate", flag, path)
	}
	return roots, nil
}
