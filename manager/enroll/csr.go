package enroll

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"slices"

	"muster/topics"
)

// Sizes of RSA keys in bits. Checking a larger one's signature takes long.
const minRSA, maxRSA = 2048, 4096

// A csr is a certificate request that was found to be in order.
type csr struct {
	device string
	key    crypto.PublicKey
	// publicKey is the key in DER, as certificates have it.
	publicKey []byte
}

// parseCSR reads a certificate request in PEM and checks that the key it is about has signed it. It may ask for nothing but
// a certificate for its common name: whoever asks for more must not think that it was granted. Errors are [topics.FieldError]s.
func parseCSR(text string) (csr, error) {
	block, rest := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE REQUEST" && block.Type != "NEW CERTIFICATE REQUEST" || len(bytes.TrimSpace(rest)) > 0 {
		return csr{}, badCSR("must be one certificate request in PEM, which begins with -----BEGIN CERTIFICATE REQUEST-----")
	}
	r, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return csr{}, badCSR("is no certificate request: %v", err)
	}
	if err := checkKey(r.PublicKey); err != nil {
		return csr{}, err
	}
	if !slices.Contains(signatures, r.SignatureAlgorithm) {
		return csr{}, badCSR("must be signed with SHA-256 or better, is with %v", r.SignatureAlgorithm)
	}
	if err := r.CheckSignature(); err != nil {
		return csr{}, badCSR("is not signed by the key that it is about")
	}
	if names := r.Subject.Names; len(names) != 1 || !names[0].Type.Equal(commonName) {
		return csr{}, badCSR("must have a subject of one common name, the device, and nothing else")
	}
	if len(r.Extensions) > 0 {
		return csr{}, badCSR("must not ask for extensions or alternative names, it has %v", r.Extensions[0].Id)
	}
	if err := topics.CheckName(r.Subject.CommonName); err != nil {
		return csr{}, badCSR("common name: %v", err)
	}
	der, err := x509.MarshalPKIXPublicKey(r.PublicKey)
	if err != nil {
		return csr{}, badCSR("has a key that cannot be in a certificate")
	}
	return csr{r.Subject.CommonName, r.PublicKey, der}, nil
}

// nameOf is the device that a certificate request names, or "" when it cannot be read: [parseCSR] tells why.
func nameOf(text string) string {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return ""
	}
	r, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil || topics.CheckName(r.Subject.CommonName) != nil {
		return ""
	}
	return r.Subject.CommonName
}

var commonName = asn1.ObjectIdentifier{2, 5, 4, 3}

// signatures are the algorithms that nobody can forge today.
var signatures = []x509.SignatureAlgorithm{
	x509.SHA256WithRSA, x509.SHA384WithRSA, x509.SHA512WithRSA, x509.SHA256WithRSAPSS, x509.SHA384WithRSAPSS, x509.SHA512WithRSAPSS,
	x509.ECDSAWithSHA256, x509.ECDSAWithSHA384, x509.ECDSAWithSHA512, x509.PureEd25519,
}

func checkKey(key any) error {
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		if key.Curve == elliptic.P256() || key.Curve == elliptic.P384() {
			return nil
		}
	case ed25519.PublicKey:
		return nil
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits < minRSA || bits > maxRSA {
			return badCSR("must have an RSA key of %d to %d bits, has one of %d", minRSA, maxRSA, bits)
		}
		return nil
	}
	return badCSR("must have a key of ECDSA P-256 or P-384, Ed25519, or RSA")
}

func badCSR(format string, args ...any) error {
	return &topics.FieldError{Field: "csr", Reason: fmt.Sprintf(format, args...)}
}
