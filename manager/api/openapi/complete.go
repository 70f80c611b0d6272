package openapi

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// rights says in words what the values of x-right mean. Every operation has one; a test compares them with
// what the API does.
var rights = map[string]string{
	"anyone":          "Any valid login may do this.",
	"admin":           "Needs `admin`.",
	"broker_auth":     "Needs an API token with `broker_auth`, or `admin`.",
	"pruning":         "Needs `pruning_allowed`, or `admin`.",
	"app ro":          "Needs the right `ro` or `rw` to this app, or `admin`.",
	"app rw":          "Needs the right `rw` to this app, or `admin`.",
	"device_group ro": "Needs the right `ro` or `rw` to this device_group, or `admin`.",
	"device_group rw": "Needs the right `rw` to this device_group, or `admin`.",
	"device ro":       "Needs the right `ro` or `rw` to the device's device_group, or `admin`.",
	"device rw":       "Needs the right `rw` to the device's device_group, or `admin`.",
	"cron_job ro":     "Needs the right `ro` or `rw` to this cron_job, or `admin`.",
	"cron_job rw":     "Needs the right `rw` to this cron_job, or `admin`.",
}

// everywhere are the answers that any operation may give, by their name among the components. The parts
// do not repeat them.
var everywhere = []struct{ status, response string }{
	{"401", "Unauthorized"}, {"429", "TooManyRequests"}, {"500", "InternalError"}, {"503", "Unavailable"},
}

// complete adds to every operation what its part leaves out because it is the same in all of them.
func complete(doc *yaml.Node) error {
	paths := get(doc, "paths")
	if paths == nil {
		return fmt.Errorf("no part has paths")
	}
	for i := 0; i < len(paths.Content); i += 2 {
		path, item := paths.Content[i].Value, paths.Content[i+1]
		for j := 0; j < len(item.Content); j += 2 {
			method := item.Content[j].Value
			if !slices.Contains([]string{"get", "post", "put", "patch", "delete"}, method) {
				continue
			}
			if err := completeOperation(item.Content[j+1]); err != nil {
				return fmt.Errorf("%s %s: %w", method, path, err)
			}
		}
	}
	return nil
}

func completeOperation(op *yaml.Node) error {
	right, description, responses := get(op, "x-right"), get(op, "description"), get(op, "responses")
	if right == nil || description == nil || responses == nil {
		return fmt.Errorf("needs an x-right, a description and responses")
	}
	if right.Value == "nobody" {
		return nil // it is outside of all that is the same in the others
	}
	words, ok := rights[right.Value]
	if !ok {
		return fmt.Errorf("x-right %q is none", right.Value)
	}
	description.Value = strings.TrimSpace(description.Value) + "\n\n" + words
	for _, e := range everywhere {
		if get(responses, e.status) == nil {
			responses.Content = append(responses.Content, text(e.status), &yaml.Node{
				Kind: yaml.MappingNode, Content: []*yaml.Node{text("$ref"), text("#/components/responses/" + e.response)},
			})
		}
	}
	return nil
}

func text(s string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
}
