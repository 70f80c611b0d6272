package auth

import (
	"fmt"
	"strings"

	"muster/topics"
)

// maxUserName is the length of the longest name of a user or user_group, in bytes.
const maxUserName = 128

// CheckUserName reports why s cannot name a new user or user_group, nil when it can: a letter or digit,
// then up to 127 letters, digits or any of _ - . @ +. A colon would end the name in Basic credentials. The
// error wraps [topics.ErrName].
func CheckUserName(s string) error {
	if len(s) == 0 || len(s) > maxUserName {
		return fmt.Errorf("%w: must have 1 to %d characters, has %d", topics.ErrName, maxUserName, len(s))
	}
	if !isAlnum(s[0]) {
		return fmt.Errorf("%w: must start with a letter or digit", topics.ErrName)
	}
	for i := range len(s) {
		if !isAlnum(s[i]) && !strings.ContainsRune("_-.@+", rune(s[i])) {
			return fmt.Errorf("%w: may only contain letters, digits, '_', '-', '.', '@' and '+'", topics.ErrName)
		}
	}
	return nil
}

func isAlnum(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
