package output_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"muster/cmd/muster/internal/output"
)

func TestTable(t *testing.T) {
	var out strings.Builder
	err := output.Table.Print(&out, nil, []string{"name", "what it is"}, [][]string{
		{"a", "x"},
		{"läden", "日本"}, // two columns wide each
		{"evil", "\x1b[31mred\x1b[0m\r\n\u009b2J\t\u202egnp"},
		{"", "after nothing"},
	})
	want := "" +
		"NAME   WHAT IT IS\n" +
		"a      x\n" +
		"läden  日本\n" +
		"evil   ?[31mred?[0m???2J??gnp\n" +
		"       after nothing\n"
	if err != nil || out.String() != want {
		t.Errorf("%v\n%s\nwant\n%s", err, out.String(), want)
	}
}

// What is a string in JSON is one in YAML, whatever it looks like, and keys keep their order.
func TestYAML(t *testing.T) {
	values := []string{"", "yes", "no", "on", "null", "~", "1", "1e3", "0x10", "0o7", "1:30", "2026-01-01", "- a", "a: b", "#x", "line\nline\n", " space ", "\x1b[0m", "日本", "<&>", "=", "!tag", "%x", "@x", "`x"}
	doc := map[string]any{"z": values, "a": map[string]any{"n": json.Number("12345678901234567890"), "f": json.Number("1.5"), "t": true, "nil": nil, "empty": []any{}, "none": map[string]any{}}, "yes": "key"}
	var asYAML, asJSON strings.Builder
	for format, out := range map[output.Format]*strings.Builder{output.YAML: &asYAML, output.JSON: &asJSON} {
		if err := format.Print(out, doc, nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	var fromYAML, fromJSON any
	if err := yaml.Unmarshal([]byte(asYAML.String()), &fromYAML); err != nil {
		t.Fatalf("%v in\n%s", err, asYAML.String())
	}
	if err := json.Unmarshal([]byte(asJSON.String()), &fromJSON); err != nil {
		t.Fatalf("%v in\n%s", err, asJSON.String())
	}
	again, err := json.Marshal(fromYAML)
	if err != nil {
		t.Fatal(err)
	}
	var viaYAML any
	if err := json.Unmarshal(again, &viaYAML); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(fromJSON, viaYAML); diff != "" {
		t.Errorf("(-JSON +YAML):\n%s\n%s", diff, asYAML.String())
	}
	if strings.Contains(asYAML.String(), "\x1b") || strings.Contains(asJSON.String(), "\x1b") {
		t.Error("a terminal's escape is in the output")
	}
	var ordered strings.Builder
	if err := output.YAML.Print(&ordered, json.RawMessage(`{"z": 1, "a": [{"x": 2, "b": 3}]}`), nil, nil); err != nil || ordered.String() != "z: 1\na:\n  - x: 2\n    b: 3\n" {
		t.Errorf("%v\n%s", err, ordered.String())
	}
}
