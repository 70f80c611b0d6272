package protocol

import (
	"slices"
	"strings"
	"testing"

	"muster/topics"
)

// What a sender keeps to by shortening is what the programs shorten to.
func TestSendersShorten(t *testing.T) {
	d := readDocument(t)
	long := topics.Failure{App: "web", Reason: strings.Repeat("a", 5000)}
	status := topics.Status{State: topics.Online, DeviceGroup: "shops", Failing: slices.Repeat([]topics.Failure{long}, 50)}
	r := report()
	r.Agent, r.Addresses = long.Reason, []string{long.Reason}
	r.Apps[0].Reason, r.CronJobs[0].Reason, r.CronJobs[0].Last.Output = long.Reason, long.Reason, long.Reason
	r.Apps[0].Containers[0] = topics.ContainerState{Name: long.Reason, ID: long.Reason, Image: long.Reason, State: long.Reason, Health: long.Reason}
	r.Failing = []topics.Failure{long}
	limits := 0
	for schema, encode := range map[string]func() ([]byte, error){"Status": status.Encode, "Report": r.Encode} {
		payload, err := encode()
		if err != nil {
			t.Fatal(err)
		}
		limits += d.shortened(t, schema, d.Components.Schemas[schema], unmarshalAny(t, payload))
	}
	said := 0
	walk(d.any, func(object map[string]any) {
		for _, keyword := range []string{"x-max-bytes", "x-max-items"} {
			if object[keyword] != nil {
				said++
			}
		}
	})
	// The reason of a failure is in a status and in a report.
	if limits != said+1 {
		t.Errorf("%d limits were looked at, the document has %d", limits, said)
	}
}

// shortened holds what was shortened to the limits of its schema, and counts those.
func (d *document) shortened(t *testing.T, path string, schema map[string]any, v any) (limits int) {
	schema = d.flat(t, schema)
	if most, is := schema["x-max-items"].(float64); is {
		if limits++; len(v.([]any)) != int(most) {
			t.Errorf("%s: x-max-items is %v, the program sends %d", path, most, len(v.([]any)))
		}
	}
	if most, is := schema["x-max-bytes"].(float64); is {
		if limits++; len(v.(string)) != int(most) {
			t.Errorf("%s: x-max-bytes is %v, the program sends %d", path, most, len(v.(string)))
		}
	}
	if items, is := schema["items"].(map[string]any); is {
		if list, is := v.([]any); is && len(list) > 0 {
			limits += d.shortened(t, path+"[]", items, list[0])
		}
	}
	if properties, is := schema["properties"].(map[string]any); is {
		for name, property := range properties {
			if member, there := v.(map[string]any)[name]; there {
				limits += d.shortened(t, path+"."+name, property.(map[string]any), member)
			}
		}
	}
	return limits
}
