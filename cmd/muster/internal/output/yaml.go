package output

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"
)

// printYAML prints what json.Marshal makes of v as YAML, with the keys in the order that they have there.
func printYAML(w io.Writer, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("print: %w", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	root, err := node(decoder)
	if err != nil {
		return fmt.Errorf("print: %w", err)
	}
	encoder := yaml.NewEncoder(w)
	encoder.SetIndent(2)
	if err := encoder.Encode(root); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return encoder.Close()
}

// node reads the next JSON value.
func node(decoder *json.Decoder) (*yaml.Node, error) {
	token, err := decoder.Token()
	if err != nil {
		return nil, err
	}
	n := new(yaml.Node)
	switch token := token.(type) {
	case json.Delim:
		n.Kind = yaml.SequenceNode
		if token == '{' {
			n.Kind = yaml.MappingNode
		}
		for decoder.More() { // keys come like values
			below, err := node(decoder)
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, below)
		}
		_, err = decoder.Token() // the end
		return n, err
	case json.Number:
		n.Kind, n.Value = yaml.ScalarNode, token.String()
		return n, nil
	default:
		return n, n.Encode(token)
	}
}
