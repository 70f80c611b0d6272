package audit

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDifferences(t *testing.T) {
	for name, tc := range map[string]struct {
		before, after string
		want          []string
	}{
		"none":               {`{"a": 1, "b": [1], "c": {"k": "v"}}`, `{"c": {"k": "v"}, "b": [1], "a": 1}`, []string{}},
		"a value":            {`{"a": 1, "b": 2}`, `{"a": 1, "b": 3}`, []string{"b"}},
		"a large number":     {`{"a": 9007199254740992}`, `{"a": 9007199254740993}`, []string{"a"}},
		"a list":             {`{"a": [1, 2]}`, `{"a": [2, 1]}`, []string{"a"}},
		"a list grows":       {`{"a": []}`, `{"a": [1]}`, []string{"a"}},
		"a list shrinks":     {`{"a": [1]}`, `{"a": []}`, []string{"a"}},
		"keys of a dict":     {`{"d": {"x": 1, "y": 2, "z": 3}}`, `{"d": {"y": 5, "z": 3, "a": 0}}`, []string{"d.a", "d.x", "d.y"}},
		"a dict is emptied":  {`{"d": {"x": 1}}`, `{"d": {}}`, []string{"d.x"}},
		"a dict to a list":   {`{"d": {"x": 1}}`, `{"d": []}`, []string{"d.x"}},
		"empty all the same": {`{"d": {}}`, `{"d": []}`, []string{}},
		"null is empty":      {`{"d": null}`, `{"d": []}`, []string{}},
		"a field comes":      {`{}`, `{"a": "", "b": false}`, []string{"a", "b"}},
		"a field goes":       {`{"a": 0}`, `{}`, []string{"a"}},
		"another type":       {`{"a": "1"}`, `{"a": 1}`, []string{"a"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := differences(fields(t, tc.before), fields(t, tc.after))
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func fields(t *testing.T, object string) map[string]any {
	t.Helper()
	fields, err := fieldsOf(json.RawMessage(object))
	if err != nil {
		t.Fatal(err)
	}
	return fields
}
