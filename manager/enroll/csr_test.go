package enroll

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"strings"
	"testing"

	"muster/manager/enroll/enrolltest"
	"muster/topics"
)

func curve(t testing.TB, c elliptic.Curve) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(c, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func rsaKey(t testing.TB, bits int) crypto.Signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func named(name string) x509.CertificateRequest {
	return x509.CertificateRequest{Subject: pkix.Name{CommonName: name}}
}

func TestKeysThatDevicesMayHave(t *testing.T) {
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]crypto.Signer{
		"P-256": enrolltest.Key(t), "P-384": curve(t, elliptic.P384()), "Ed25519": ed, "RSA": rsaKey(t, 2048),
	} {
		c, err := parseCSR(enrolltest.CSR(t, named("d1"), key))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		der, err := x509.MarshalPKIXPublicKey(key.Public())
		if err != nil || c.device != "d1" || !bytes.Equal(der, c.publicKey) {
			t.Errorf("%s: device %q, another key or %v", name, c.device, err)
		}
	}
}

func TestRequestsThatAreNotInOrder(t *testing.T) {
	key := enrolltest.Key(t)
	good := enrolltest.CSR(t, named("d1"), key)
	block, _ := pem.Decode([]byte(good))
	forged := bytes.Clone(block.Bytes)
	forged[len(forged)-1] ^= 1
	other := bytes.Replace(block.Bytes, []byte("d1"), []byte("d2"), 1)
	encode := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	twoNames := named("d1")
	twoNames.Subject.ExtraNames = []pkix.AttributeTypeAndValue{{Type: commonName, Value: "d2"}, {Type: commonName, Value: "d1"}}
	withNames, withAddress, authority := named("d1"), named("d1"), named("d1")
	withNames.DNSNames = []string{"muster.example"}
	withAddress.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	authority.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 19}, Critical: true, Value: []byte{0x30, 3, 1, 1, 0xff}}}
	organisation := named("d1")
	organisation.Subject.Organization = []string{"muster:managers"}

	for name, tc := range map[string]struct{ text, want string }{
		"nothing":               {"", "must be one certificate request"},
		"no PEM":                {"MIIB", "must be one certificate request"},
		"a certificate":         {enrolltest.NewAuthority(t).Roots(), "must be one certificate request"},
		"two of them":           {good + good, "must be one certificate request"},
		"something behind":      {good + "x", "must be one certificate request"},
		"no DER":                {encode("CERTIFICATE REQUEST", []byte("MIIB")), "is no certificate request"},
		"DER with a tail":       {encode("CERTIFICATE REQUEST", append(bytes.Clone(block.Bytes), 0)), "is no certificate request"},
		"signed by nobody":      {encode("CERTIFICATE REQUEST", forged), "is not signed by the key"},
		"signed for another":    {encode("CERTIFICATE REQUEST", other), "is not signed by the key"},
		"a huge RSA key":        {hugeRSA(t, good), "of 2048 to 4096 bits, has one of 16384"},
		"P-224":                 {enrolltest.CSR(t, named("d1"), curve(t, elliptic.P224())), "must have a key of"},
		"P-521":                 {enrolltest.CSR(t, named("d1"), curve(t, elliptic.P521())), "must have a key of"},
		"a short RSA key":       {enrolltest.CSR(t, named("d1"), rsaKey(t, 1024)), "of 2048 to 4096 bits, has one of 1024"},
		"SHA-1":                 {sha1Request(t), "must be signed with SHA-256"},
		"no name":               {enrolltest.CSR(t, named(""), key), "one common name"},
		"two names":             {enrolltest.CSR(t, twoNames, key), "one common name"},
		"an organisation":       {enrolltest.CSR(t, organisation, key), "one common name"},
		"no name of a device":   {enrolltest.CSR(t, named("../d1"), key), "common name: invalid name"},
		"a topic for a name":    {enrolltest.CSR(t, named("d1/+"), key), "common name: invalid name"},
		"NUL in a name":         {enrolltest.CSR(t, named("d1\x00x"), key), ""},
		"DNS names":             {enrolltest.CSR(t, withNames, key), "must not ask for extensions"},
		"addresses":             {enrolltest.CSR(t, withAddress, key), "must not ask for extensions"},
		"to be an authority":    {enrolltest.CSR(t, authority, key), "must not ask for extensions"},
		"a name that is longer": {enrolltest.CSR(t, named(strings.Repeat("d", topics.MaxName+1)), key), "common name: invalid name"},
	} {
		c, err := parseCSR(tc.text)
		field, ok := errors.AsType[*topics.FieldError](err)
		if !ok || field.Field != "csr" || !strings.Contains(field.Reason, tc.want) || c.key != nil {
			t.Errorf("%s: got %v, want a complaint about the csr with %q", name, err, tc.want)
		}
	}
}

// hugeRSA is a request for an RSA key of 16,384 bits that nobody has: it must be refused before the signature is looked at.
func hugeRSA(t *testing.T, good string) string {
	t.Helper()
	n := new(big.Int).SetBit(big.NewInt(1), 1<<14-1, 1)
	key, err := x509.MarshalPKIXPublicKey(&rsa.PublicKey{N: n, E: 65537})
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode([]byte(good))
	request, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	info, err := asn1.Marshal(struct {
		Version       int
		Subject, Key  asn1.RawValue
		RawAttributes asn1.RawValue
	}{0, asn1.RawValue{FullBytes: request.RawSubject}, asn1.RawValue{FullBytes: key}, asn1.RawValue{FullBytes: []byte{0xa0, 0}}})
	if err != nil {
		t.Fatal(err)
	}
	der, err := asn1.Marshal(struct {
		Info      asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}{asn1.RawValue{FullBytes: info}, pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}}, asn1.BitString{Bytes: make([]byte, 2048), BitLength: 1 << 14}})
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

// sha1Request is one that was signed with SHA-1, which Go does not make any more.
func sha1Request(t *testing.T) string {
	t.Helper()
	key, ok := rsaKey(t, 2048).(*rsa.PrivateKey)
	if !ok {
		t.Fatal("no RSA key")
	}
	made := enrolltest.CSR(t, named("d1"), key)
	block, _ := pem.Decode([]byte(made))
	var parts struct {
		Info      asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}
	if _, err := asn1.Unmarshal(block.Bytes, &parts); err != nil {
		t.Fatal(err)
	}
	hash := crypto.SHA1.New()
	hash.Write(parts.Info.FullBytes)
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA1, hash.Sum(nil))
	if err != nil {
		t.Fatal(err)
	}
	parts.Algorithm.Algorithm = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 5}
	parts.Signature = asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)}
	der, err := asn1.Marshal(parts)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

func FuzzParseCSR(f *testing.F) {
	f.Add(enrolltest.CSR(f, named("d1"), enrolltest.Key(f)))
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseCSR(text)
		if err == nil && topics.CheckName(c.device) != nil {
			t.Errorf("%q names the device %q", text, c.device)
		}
	})
}
