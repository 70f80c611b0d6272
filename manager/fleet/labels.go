package fleet

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"muster/topics"
)

// Annotations are what admins say of a device.
type Annotations struct {
	// Labels may be nil.
	Labels map[string]string `json:"labels"`
	Note   string            `json:"note"`
}

// Limits of [Annotations].
const (
	// MaxLabels is how many labels a device may have.
	MaxLabels = 32
	// MaxLabel is the longest value of a label in bytes.
	MaxLabel = 128
	// MaxNote is the longest note in bytes.
	MaxNote = 4096
)

// labelKey is what a label's name must be: what can be written in a URL and before a "=" or after a "-" on a command line.
var labelKey = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9_./-]{0,62}[A-Za-z0-9])?$`)

// CheckLabelKey reports why no label can have that name. The error is a [topics.FieldError] of that field.
func CheckLabelKey(field, key string) error {
	if !labelKey.MatchString(key) {
		return fieldErrorf(field, "%.80q cannot be a label: must have 1 to 64 letters, digits and _ . / -, the first and last a letter or digit", key)
	}
	return nil
}

// Check reports why a is beyond the limits. The error is a [topics.FieldError].
func (a Annotations) Check() error {
	if len(a.Labels) > MaxLabels {
		return fieldErrorf("labels", "has %d entries, at most %d are allowed", len(a.Labels), MaxLabels)
	}
	for _, key := range slices.Sorted(maps.Keys(a.Labels)) {
		if err := CheckLabelKey("labels", key); err != nil {
			return err
		}
		value := a.Labels[key]
		if len(value) > MaxLabel || !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl) {
			return fieldErrorf("labels."+key, "must be at most %d bytes of one line, is %.80q", MaxLabel, value)
		}
	}
	if len(a.Note) > MaxNote || !utf8.ValidString(a.Note) {
		return fieldErrorf("note", "has %d bytes, at most %d of UTF-8 are allowed", len(a.Note), MaxNote)
	}
	return nil
}

func fieldErrorf(field, format string, args ...any) error {
	return &topics.FieldError{Field: field, Reason: fmt.Sprintf(format, args...)}
}
