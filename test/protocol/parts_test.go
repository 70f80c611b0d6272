package protocol

import (
	"encoding/json"
	"testing"

	"muster/topics"
)

// The forms that fields of a config have are those that the programs write and read.
func TestPartsOfAConfig(t *testing.T) {
	d := readDocument(t)
	for _, tc := range []struct {
		schema, value string
		into          any
		valid         bool
	}{
		{"ContainersPer", `{"server":2}`, new(topics.ContainersPer), true},
		{"ContainersPer", `{"instance":1}`, new(topics.ContainersPer), true},
		{"ContainersPer", `{"cpu":0.5}`, new(topics.ContainersPer), true},
		{"ContainersPer", `{"memory":512.5}`, new(topics.ContainersPer), true},
		{"ContainersPer", `{"mem":1000000}`, new(topics.ContainersPer), true},
		{"ContainersPer", `{"mem":1000001}`, new(topics.ContainersPer), false},
		{"ContainersPer", `{"server":0}`, new(topics.ContainersPer), false},
		{"ContainersPer", `{"server":1.5}`, new(topics.ContainersPer), false},
		{"ContainersPer", `{"cpu":0}`, new(topics.ContainersPer), false},
		{"ContainersPer", `{"disk":1}`, new(topics.ContainersPer), false},
		{"ContainersPer", `{"server":1,"cpu":1}`, new(topics.ContainersPer), false},
		{"ContainersPer", `{}`, new(topics.ContainersPer), false},
		{"ContainersPer", `1`, new(topics.ContainersPer), false},
		{"Ports", `[]`, new(topics.Ports), true},
		{"Ports", `[1,65535,{"81":"8080"}]`, new(topics.Ports), true},
		{"Ports", `[0]`, new(topics.Ports), false},
		{"Ports", `[65536]`, new(topics.Ports), false},
		{"Ports", `["tcp"]`, new(topics.Ports), false},
		{"Ports", `[{"http":"80"}]`, new(topics.Ports), false},
		{"Ports", `[{"80":"http"}]`, new(topics.Ports), false},
		{"Ports", `[{"80":"80","81":"81"}]`, new(topics.Ports), false},
		{"Ports", `[{}]`, new(topics.Ports), false},
		{"Ports", `80`, new(topics.Ports), false},
		{"EnvVars", `{}`, new(topics.EnvVars), true},
		{"EnvVars", `[]`, new(topics.EnvVars), true},
		{"EnvVars", `{"A":""}`, new(topics.EnvVars), true},
		{"EnvVars", `{"A":[]}`, new(topics.EnvVars), false},
		{"EnvVars", `{"":"1"}`, new(topics.EnvVars), false},
		{"EnvVars", `{"A=B":"1"}`, new(topics.EnvVars), false},
		{"EnvVars", `["A"]`, new(topics.EnvVars), false},
	} {
		says, does := d.schema(t, tc.schema).Validate(unmarshalAny(t, []byte(tc.value))), json.Unmarshal([]byte(tc.value), tc.into)
		if (says == nil) != tc.valid || (does == nil) != tc.valid {
			t.Errorf("%s %s: valid is to be %v; the schema says %v, the program %v", tc.schema, tc.value, tc.valid, says, does)
		}
	}
}
