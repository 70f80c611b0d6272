package attack

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"sync"
	"testing"

	"muster/test/rig"
	"muster/topics"
)

// groupTokens are enrollment tokens with many uses, by device_group.
type groupTokens struct {
	mu    sync.Mutex
	token map[string]string
}

// token makes an enrollment token with what the body says besides.
func (s *site) token(group, body string) string {
	s.t.Helper()
	var made struct{ Token string }
	answer := s.must(200, "POST", "/api/v2/tokens", fmt.Sprintf(`{"kind":"enroll","device_group":%q%s}`, group, body))
	if err := json.Unmarshal([]byte(answer), &made); err != nil || made.Token == "" {
		s.t.Fatalf("no token, %v: %s", err, answer)
	}
	return made.Token
}

// tokenFor is one for many devices of a group.
func (s *site) tokenFor(group string) string {
	s.t.Helper()
	s.tokens.mu.Lock()
	defer s.tokens.mu.Unlock()
	if s.tokens.token[group] == "" {
		s.tokens.token[group] = s.token(group, `,"uses":10000`)
	}
	return s.tokens.token[group]
}

// newDeviceKey makes a key.
func newDeviceKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// newCSR is signed by the key.
func newCSR(t testing.TB, name string, key crypto.Signer) string {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: name}}, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

// request asks for a certificate for that name.
func request(t testing.TB, name, token string, key crypto.Signer) string {
	t.Helper()
	return requestFor(t, newCSR(t, name, key), token)
}

// requestFor asks for the certificate of a CSR.
func requestFor(t testing.TB, csr, token string) string {
	t.Helper()
	body, err := topics.CertificateRequest{RequestID: rig.Name("r"), Token: token, CSR: csr}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// enroll asks for a certificate as a device does over HTTPS.
func (s *site) enroll(body string) (status int, reply topics.CertificateReply) {
	s.t.Helper()
	status, answer := s.rest("POST", "/api/v2/enroll", body, nil)
	if err := json.Unmarshal([]byte(answer), &reply); err != nil {
		s.t.Fatalf("%d %s: %v", status, answer, err)
	}
	return status, reply
}

// enrolled makes a device of the group, with a certificate of its own.
func (s *site) enrolled(device, group string) identity {
	s.t.Helper()
	key := newDeviceKey(s.t)
	status, reply := s.enroll(request(s.t, device, s.tokenFor(group), key))
	if reply.State != topics.Issued {
		s.t.Fatalf("%s does not enroll: %d %+v", device, status, reply)
	}
	return identity{certificate: certificate(s.t, reply.Certificate, key)}
}

// certificate reads what was made for a key.
func certificate(t testing.TB, text string, key crypto.PrivateKey) *tls.Certificate {
	t.Helper()
	c := &tls.Certificate{PrivateKey: key}
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		c.Certificate = append(c.Certificate, block.Bytes)
	}
	if len(c.Certificate) == 0 {
		t.Fatalf("no certificate in %q", text)
	}
	return c
}
