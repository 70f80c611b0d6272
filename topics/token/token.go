// Package token is the form of what Muster gives programs and new devices to log in with: ID.secret, or ID.secret.pin. The
// ID leads to the one row of the store that has the secret's hash. It imports nothing of ours, because devices use it too.
package token

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"strings"
)

// The lengths of the parts in characters. IDs are not as long as the selectors of users' tokens, so that the two are never
// taken for each other; a secret has 130 random bits, which no hash has to be slow for.
const (
	idLength     = 10
	secretLength = 26
)

// ErrForm says that a text is no token.
var ErrForm = errors.New("must be a token as it was told when it was made, of the form ID.secret or ID.secret.pin")

// A Token is one as it is shown. The zero Token is none.
type Token struct {
	// ID names it and is no secret.
	ID     string
	secret string
	// Pin is the authority by which the bearer knows the managers; zero when the token has none.
	Pin Pin
}

// A Pin is the SHA-256 of an authority's public key.
type Pin [sha256.Size]byte

// PinOf is the pin of a public key in DER, as x509.Certificate has it in RawSubjectPublicKeyInfo.
func PinOf(publicKey []byte) Pin { return sha256.Sum256(publicKey) }

// String is the pin in base64url without padding.
func (p Pin) String() string { return base64.RawURLEncoding.EncodeToString(p[:]) }

// New makes a random one; a zero pin leaves it without.
func New(pin Pin) Token {
	return Token{ID: rand.Text()[:idLength], secret: rand.Text()[:secretLength], Pin: pin}
}

// Parse reads one. It fails with [ErrForm], which holds nothing of the text.
func Parse(text string) (Token, error) {
	id, rest, _ := strings.Cut(text, ".")
	secret, pin, pinned := strings.Cut(rest, ".")
	t := Token{ID: id, secret: secret}
	if !IsID(id) || !random(secret, secretLength) {
		return Token{}, ErrForm
	}
	if pinned {
		sum, err := base64.RawURLEncoding.Strict().DecodeString(pin)
		if err != nil || len(sum) != len(t.Pin) || strings.ContainsAny(pin, "\r\n") {
			return Token{}, ErrForm
		}
		if t.Pin = Pin(sum); t.Pin == (Pin{}) {
			return Token{}, ErrForm
		}
	}
	return t, nil
}

// IsID reports whether s may be the ID of a token.
func IsID(s string) bool { return random(s, idLength) }

// random reports whether s is so many characters of those that [rand.Text] uses.
func random(s string, length int) bool {
	return len(s) == length && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}

// Text is the whole token, to be shown once.
func (t Token) Text() string {
	text := t.ID + "." + t.secret
	if t.Pin != (Pin{}) {
		text += "." + t.Pin.String()
	}
	return text
}

// String names the token without its secret.
func (t Token) String() string { return t.ID + ".…" }

// GoString is String, so that no way of printing tells the secret.
func (t Token) GoString() string { return t.String() }

// Secret is the part that nobody else may know: the password of an MQTT login.
func (t Token) Secret() string { return t.secret }

// Hash is the SHA-256 of the secret, which is what is kept of it.
func (t Token) Hash() []byte { return hash(t.secret) }

func hash(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// Matches reports whether the secret is the one that the hash was made of, in a time that does not tell how far off it is. It is never
// that of an empty hash.
func Matches(stored []byte, secret string) bool {
	return subtle.ConstantTimeCompare(stored, hash(secret)) == 1
}

const enrolling = "enroll:"

// EnrollUser is the MQTT user name of whoever shows the enrollment token of that ID.
func EnrollUser(id string) string { return enrolling + id }

// EnrollID is the ID of the token in a user name that [EnrollUser] made; ok is false for any other.
func EnrollID(user string) (id string, ok bool) {
	id, ok = strings.CutPrefix(user, enrolling)
	return id, ok && IsID(id)
}
