package protocol

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"muster/topics"
)

// parsers are what the programs read the messages with.
var parsers = map[string]func([]byte) error{
	"Config":   func(p []byte) error { _, err := topics.ParseConfig(p); return err },
	"Summary":  func(p []byte) error { _, err := topics.ParseSummary(p); return err },
	"Checkin":  func(p []byte) error { _, err := topics.ParseCheckinRequest(p); return err },
	"Reply":    func(p []byte) error { _, err := topics.ParseCheckinReply(p); return err },
	"Status":   func(p []byte) error { _, err := topics.ParseStatus(p); return err },
	"Report":   func(p []byte) error { _, err := topics.ParseReport(p); return err },
	"Progress": func(p []byte) error { _, err := topics.ParseProgress(p); return err },
	"Presence": func(p []byte) error { _, err := topics.ParsePresence(p); return err },

	"CertificateRequest": func(p []byte) error { _, err := topics.ParseCertificateRequest(p); return err },
	"CertificateReply":   func(p []byte) error { _, err := topics.ParseCertificateReply(p); return err },
}

// What the programs encode, and the examples in the document, are valid by the document's schemas and to the programs.
func TestPayloadsAreValid(t *testing.T) {
	d := readDocument(t)
	for name, m := range d.Components.Messages {
		schema := d.schema(t, m.Payload.name())
		all := some(t, name)
		if len(all) == 0 {
			t.Errorf("%s: no payload", name)
		}
		for _, example := range m.Examples {
			all = append(all, example.Payload)
		}
		for _, payload := range all {
			if err := schema.Validate(unmarshalAny(t, payload)); err != nil {
				t.Errorf("%s: %v\n%s", name, err, payload)
			}
			if err := parsers[name](payload); err != nil {
				t.Errorf("%s: %v\n%s", name, err, payload)
			}
		}
	}
}

// lenient are members where the programs take more than the document says, each for a reason. Numbers are indices.
var lenient = map[string]string{
	"env_vars":       "is written as a dict of strings, and read in the forms of Nebula's API too",
	"starting_ports": "is written in two forms, and read in more",
	"containers_per": "is an object whose only entry has one of five names, which these changes do not hit: TestPartsOfAConfig does",
	"config":         "is looked into by the parser of configs",
	"networks":       "must not name host or none beside others, which JSON Schema cannot say briefly",
	"depends_on":     "must not name the app itself, which JSON Schema cannot say",
	"extra_hosts":    "must have an address that is one, where the schema looks at its characters only",
	"volumes":        "must not name a directory of tmpfs, which JSON Schema cannot say",
}

// Whatever is changed in a payload: the schemas refuse it if and only if the programs do.
func TestSchemasAgreeWithParsers(t *testing.T) {
	d := readDocument(t)
	for name, m := range d.Components.Messages {
		t.Run(name, func(t *testing.T) {
			schema, tried, refused := d.schema(t, m.Payload.name()), 0, 0
			for _, payload := range some(t, name) {
				seen := map[string]bool{} // items of a list are alike
				spoil(unmarshalAny(t, payload), func(path string, spoilt any) {
					if seen[path] {
						return
					}
					seen[path] = true
					for member := range lenient {
						if strings.Contains(path, "."+member) {
							return
						}
					}
					encoded := encode(t, name, spoilt)
					says, does := schema.Validate(spoilt), parsers[name](encoded)
					if tried++; does != nil {
						refused++
					}
					if (says == nil) != (does == nil) {
						t.Errorf("%.200s: the schema says %v, the program %v", path, says, does)
					}
				})
			}
			if tried < 20 || refused < 5 {
				t.Errorf("%d changes were tried, of which %d are refused: too few to tell anything", tried, refused)
			}
		})
	}
}

// instead are what members are changed to: of each type, and around each limit.
func instead() []any {
	values := []any{
		true, json.Number("-1"), json.Number("0"), json.Number("1"), json.Number("0.015"), json.Number("6"), json.Number("1000"), json.Number("1001"),
		json.Number("1024"), json.Number("1025"), json.Number("3600"), json.Number("3601"), json.Number("86400"), json.Number("86401"),
		json.Number("1048576"), json.Number("1048577"), json.Number("16777216"), json.Number("16777217"),
		"", " ", "a b", "a\nb", "a.b", "-a", "a/b", "/a:b", "/a", "/", "a:b:c", "é", "2026-01-31T23:59:59+01:00", "2026-13-31T23:59:59Z",
		[]any{}, []any{""}, []any{"a"}, []any{json.Number("1")}, []any{"CMD", ""}, []any{"NONE", "x"}, []any{map[string]any{}},
		map[string]any{}, map[string]any{"a": "b"}, map[string]any{"a": json.Number("1")}, map[string]any{"epoch": ""},
		map[string]any{"epoch": "01JD0000000000000000000000"}, map[string]any{"app": "", "cron_job": ""}, map[string]any{"app": "a.b"},
	}
	for _, length := range []int{64, 65, 100, 101, 128, 129, 256, 257, 301} {
		values = append(values, strings.Repeat("a", length))
	}
	for _, length := range []int{16, 17, 21} {
		numbers := map[string]any{}
		for i := range length {
			numbers[fmt.Sprint("t", i)] = json.Number("1")
		}
		values = append(values, numbers, slices.Repeat([]any{"a"}, length))
	}
	return values
}

// spoil calls f with each way to leave out a member or an item of a JSON value, or to put another in its place.
func spoil(root any, f func(path string, spoilt any)) {
	var visit func(path string, v any)
	each := func(path string, old any, set func(any)) {
		for _, value := range instead() {
			set(value)
			f(fmt.Sprintf("%s = %v", path, value), root)
		}
		set(old)
	}
	visit = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for _, name := range slices.Sorted(maps.Keys(v)) {
				old := v[name]
				delete(v, name)
				f("without "+path+"."+name, root)
				each(path+"."+name, old, func(value any) { v[name] = value })
				visit(path+"."+name, old)
			}
		case []any:
			for i, old := range v {
				each(path+"[]", old, func(value any) { v[i] = value })
				visit(path+"[]", old)
			}
		}
	}
	visit("", root)
}

// encode is the payload again. A config's digest is made right, where it was not that which was changed.
func encode(t *testing.T, name string, v any) []byte {
	t.Helper()
	payload, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	content, is := v.(map[string]any)
	if is = is && name == "Config"; !is {
		return payload
	}
	digest, is := content["sha256"].(string)
	start := bytes.Index(payload, []byte(`"device_group":`))
	if !is || start < 0 || !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(digest) {
		return payload
	}
	// Members are in the order of their names, so that the digest is among what it covers: it is put in front.
	payload = bytes.Replace(payload, fmt.Appendf(nil, `,"sha256":%q`, digest), nil, 1)
	start = bytes.Index(payload, []byte(`"device_group":`))
	sum := sha256.Sum256(append([]byte{'{'}, payload[start:]...))
	return append(fmt.Appendf(nil, `{"sha256":%q,`, hex.EncodeToString(sum[:])), payload[1:]...)
}
