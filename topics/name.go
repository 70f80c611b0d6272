package topics

import (
	"errors"
	"fmt"
)

// ErrName is wrapped by every error about a name that breaks the rules of [CheckName] or [CheckAppName].
var ErrName = errors.New("invalid name")

// CheckName reports why s cannot name a device_group or a device, nil when it can: 1 to [MaxName]
// letters, digits, '_' or '-'. Names become MQTT topic levels; dots and spaces break some brokers.
func CheckName(s string) error {
	if len(s) == 0 || len(s) > MaxName {
		return fmt.Errorf("%w: must have 1 to %d characters, has %d", ErrName, MaxName, len(s))
	}
	for i := range len(s) {
		if c := s[i]; !isAlnum(c) && c != '_' && c != '-' {
			return fmt.Errorf("%w: may only contain letters, digits, '_' and '-'", ErrName)
		}
	}
	return nil
}

// CheckAppName reports why s cannot name an app or cron_job, nil when it can: a letter or digit, then
// up to 127 letters, digits, '_', '-' or '.'. App names become container names.
func CheckAppName(s string) error {
	if len(s) == 0 || len(s) > MaxAppName {
		return fmt.Errorf("%w: must have 1 to %d characters, has %d", ErrName, MaxAppName, len(s))
	}
	if !isAlnum(s[0]) {
		return fmt.Errorf("%w: must start with a letter or digit", ErrName)
	}
	for i := range len(s) {
		if c := s[i]; !isAlnum(c) && c != '_' && c != '-' && c != '.' {
			return fmt.Errorf("%w: may only contain letters, digits, '_', '-' and '.'", ErrName)
		}
	}
	return nil
}

func isAlnum(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// checkGroupField is CheckName of a device_group as a [FieldError].
func checkGroupField(name string) error {
	if err := CheckName(name); err != nil {
		return fieldError("device_group", err)
	}
	return nil
}
