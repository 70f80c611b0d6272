package openapi

import (
	"encoding/json"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// appendJSON writes a node as JSON, its mappings in their own order. encoding/json would sort them, and
// readers would find the fields of an app by their first letter.
func appendJSON(to []byte, n *yaml.Node) ([]byte, error) {
	switch n.Kind {
	case yaml.MappingNode:
		return appendMapping(to, n)
	case yaml.SequenceNode:
		return appendSequence(to, n)
	case yaml.ScalarNode:
		var v any
		if err := n.Decode(&v); err != nil {
			return nil, fmt.Errorf("line %d: %w", n.Line, err)
		}
		encoded, err := json.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n.Line, err)
		}
		return append(to, encoded...), nil
	}
	return nil, fmt.Errorf("line %d: cannot be written as JSON", n.Line)
}

func appendMapping(to []byte, n *yaml.Node) ([]byte, error) {
	to = append(to, '{')
	for i := 0; i < len(n.Content); i += 2 {
		if i > 0 {
			to = append(to, ',')
		}
		// Whatever a key looks like in YAML (a status, for one), in JSON it is a string.
		key, err := json.Marshal(n.Content[i].Value)
		if err != nil {
			return nil, err
		}
		to = append(append(to, key...), ':')
		if to, err = appendJSON(to, n.Content[i+1]); err != nil {
			return nil, err
		}
	}
	return append(to, '}'), nil
}

func appendSequence(to []byte, n *yaml.Node) ([]byte, error) {
	to = append(to, '[')
	for i, item := range n.Content {
		if i > 0 {
			to = append(to, ',')
		}
		var err error
		if to, err = appendJSON(to, item); err != nil {
			return nil, err
		}
	}
	return append(to, ']'), nil
}
