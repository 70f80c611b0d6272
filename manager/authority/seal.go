package authority

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
)

const (
	plainBlock  = "PRIVATE KEY"
	sealedBlock = "MUSTER SEALED PRIVATE KEY"
	// sealHeader is the header of a sealed key that says by which seal.
	sealHeader = "Seal"
	// minSeal is the least number of bytes that a seal is made of.
	minSeal = 32
)

// A Seal encrypts the keys of authorities, so that whoever reads the store or its backup has not got them.
type Seal struct {
	aead cipher.AEAD
	// id names it and tells nothing of it.
	id string
}

// NewSeal makes a seal of a secret: at least 32 random bytes, or a text of them, such as `openssl rand -base64 32` prints. White space
// around it does not count.
func NewSeal(secret []byte) (*Seal, error) {
	trimmed := strings.TrimSpace(string(secret))
	if len(trimmed) < minSeal {
		return nil, fmt.Errorf("must hold at least %d random bytes, has %d", minSeal, len(trimmed))
	}
	key, err := hkdf.Key(sha256.New, []byte(trimmed), nil, "muster: keys of certificate authorities", 32)
	if err != nil {
		return nil, err
	}
	id, err := hkdf.Key(sha256.New, []byte(trimmed), nil, "muster: name of a seal", 8)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return &Seal{aead: aead, id: hex.EncodeToString(id)}, err
}

// ID names the seal and tells nothing of its secret.
func (s *Seal) ID() string { return s.id }

// keepKey is the form in which the key of an authority is kept: sealed for that authority alone, when there are seals.
func keepKey(seals []*Seal, id string, der []byte) (string, error) {
	block := &pem.Block{Type: plainBlock, Bytes: der}
	if len(seals) > 0 {
		s := seals[0]
		block = &pem.Block{Type: sealedBlock, Headers: map[string]string{sealHeader: s.id}, Bytes: s.aead.Seal(nil, nil, der, []byte(id))}
	}
	text := pem.EncodeToMemory(block)
	if text == nil {
		return "", errors.New("key: cannot be written as PEM")
	}
	return string(text), nil
}

// openKey reads a key that keepKey made. No error holds any of it.
func openKey(seals []*Seal, id, text string) (*ecdsa.PrivateKey, error) {
	der, _, err := unseal(seals, id, text)
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, errors.New("key: is damaged: it is no private key (PKCS #8)")
	}
	ec, ok := key.(*ecdsa.PrivateKey)
	if !ok {
		return nil, errors.New("key: must be of ECDSA")
	}
	return ec, nil
}

// unseal is the DER of a key, and the ID of its seal; empty for one that is not sealed.
func unseal(seals []*Seal, id, text string) (der []byte, seal string, err error) {
	block, rest := pem.Decode([]byte(text))
	if block == nil || strings.TrimSpace(string(rest)) != "" {
		return nil, "", errors.New("key: is damaged: it is not one key in PEM")
	}
	switch block.Type {
	case plainBlock:
		return block.Bytes, "", nil
	case sealedBlock:
	default:
		return nil, "", fmt.Errorf("key: is damaged: it is a %.40q in PEM", block.Type)
	}
	seal = block.Headers[sealHeader]
	n := slices.IndexFunc(seals, func(s *Seal) bool { return s.id == seal })
	if n < 0 {
		given := "none is given"
		if len(seals) > 0 {
			given = "given are " + strings.Join(sealIDs(seals), ", ")
		}
		return nil, "", fmt.Errorf("key: is sealed by the ca-key-file %.40q, %s", seal, given)
	}
	if der, err = seals[n].aead.Open(nil, nil, block.Bytes, []byte(id)); err != nil {
		return nil, "", errors.New("key: is damaged, or that of another authority: its ca-key-file does not open it")
	}
	return der, seal, nil
}

func sealIDs(seals []*Seal) []string {
	var ids []string
	for _, s := range seals {
		ids = append(ids, s.id)
	}
	return ids
}

// sealed says whether a key is kept encrypted.
func sealed(text string) bool {
	block, _ := pem.Decode([]byte(text))
	return block != nil && block.Type == sealedBlock
}
