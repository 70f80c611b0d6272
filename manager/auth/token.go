package auth

import (
	"crypto/rand"
	"strings"

	"muster/manager/store"
)

// Tokens that Muster makes are selector.secret, both random in the letters of base32. The selector finds the
// user; the secret proves it. The hash is of the whole.
const (
	selectorLength = 12
	secretLength   = 26
	// hashTail is how many characters of the hash a selector is stored with.
	hashTail = 8
)

// NewToken makes a random token.
func NewToken() string { return rand.Text()[:selectorLength] + "." + rand.Text()[:secretLength] }

// SelectorOf is the token_selector to store with a token and its hash; empty when the token is not of the
// form that Muster makes. It ends with a piece of the hash, so that it means nothing any more once another
// program has replaced the hash alone.
func SelectorOf(token, hash string) string {
	selector := selectorIn(token)
	if selector == "" || len(hash) < hashTail {
		return ""
	}
	return selector + "." + hash[len(hash)-hashTail:]
}

// selectorIn is the first part of a token of Muster's form, else empty.
func selectorIn(token string) string {
	selector, secret, ok := strings.Cut(token, ".")
	if !ok || len(selector) != selectorLength || len(secret) != secretLength ||
		strings.Trim(selector+secret, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") != "" {
		return ""
	}
	return selector
}

// storedSelector is the selector of the user's token; empty when it has none or one of an earlier token.
func storedSelector(u store.User) string {
	selector, tail, _ := strings.Cut(u.TokenSelector, ".")
	if len(tail) != hashTail || !strings.HasSuffix(u.Token, tail) {
		return ""
	}
	return selector
}
