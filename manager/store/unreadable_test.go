package store

import (
	"encoding/json"
	"errors"
	"testing"
)

func TestUnreadableErrorNamesEachInOrder(t *testing.T) {
	err := &UnreadableError{Kind: "app", Docs: map[string]error{"b": errors.New("two"), "a b": errors.New("one")}}
	if want := `app "a b" cannot be read: one; app "b" cannot be read: two`; err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
}

// TestReportFields is about what is no report, and says so without showing it.
func TestReportFields(t *testing.T) {
	const id = "65f0c0ffee00000000000001"
	for _, test := range []struct{ id, doc, want string }{
		{id, `{"a":{"b":1}}`, ""},
		{id, ` {} `, ""},
		{id, `null`, "report " + id + ": must be a JSON object"},
		{id, ``, "report " + id + ": must be a JSON object"},
		{id, `["secret"]`, "report " + id + ": must be a JSON object"},
		{id, `{"a":secret}`, "report " + id + ": must be a JSON object"},
		{"", `{}`, `report "": the id must be 24 hexadecimal digits in lower case`},
		{"65F0c0ffee00000000000001", `{}`, `report "65F0c0ffee00000000000001": the id must be 24 hexadecimal digits in lower case`},
		{id + "00", `{}`, `report "` + id + `00": the id must be 24 hexadecimal digits in lower case`},
		{"zz" + id[2:], `{}`, `report "zz` + id[2:] + `": the id must be 24 hexadecimal digits in lower case`},
	} {
		fields, err := Report{ID: test.id, Doc: json.RawMessage(test.doc)}.Fields()
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != test.want || (fields == nil) != (err != nil) {
			t.Errorf("%q %s: got %v, %q, want %q", test.id, test.doc, fields, got, test.want)
		}
	}
}
