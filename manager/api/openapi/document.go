// Package openapi holds the OpenAPI document of the REST API and what shows it in a browser.
//
// The document is written by hand in the YAML files of this folder, one per resource. Each file is a part
// of one document: [Document] merges them.
package openapi

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"go.yaml.in/yaml/v3"
)

//go:embed api.yaml paths schemas
var parts embed.FS

// Document is the OpenAPI document as JSON. The same parts give the same bytes; what they hold stays in
// the order in which it is written there.
func Document() ([]byte, error) { return build(parts) }

// build merges the parts in the order of their names.
func build(parts fs.FS) ([]byte, error) {
	whole := &yaml.Node{Kind: yaml.MappingNode}
	err := fs.WalkDir(parts, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		part, err := parse(parts, name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := merge(whole, part); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	})
	if err == nil {
		err = complete(whole)
	}
	if err != nil {
		return nil, fmt.Errorf("openapi: %w", err)
	}
	return appendJSON(nil, whole)
}

func parse(parts fs.FS, name string) (*yaml.Node, error) {
	data, err := fs.ReadFile(parts, name)
	if err != nil {
		return nil, err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, err
	}
	if doc.Kind != yaml.DocumentNode || doc.Content[0].Kind != yaml.MappingNode {
		return nil, errors.New("is not a mapping")
	}
	return expand(doc.Content[0]), nil
}

// merge puts what is in part into whole. Only mappings may be in both.
func merge(whole, part *yaml.Node) error {
	if whole.Kind != yaml.MappingNode || part.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: is in another part already", part.Line)
	}
	for i := 0; i < len(part.Content); i += 2 {
		key, value := part.Content[i], part.Content[i+1]
		if there := get(whole, key.Value); there == nil {
			whole.Content = append(whole.Content, key, value)
		} else if err := merge(there, value); err != nil {
			return fmt.Errorf("%s: %w", key.Value, err)
		}
	}
	return nil
}

// get is the value of a key of a mapping, nil when it is not there.
func get(mapping *yaml.Node, key string) *yaml.Node {
	for i := 0; i < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}
