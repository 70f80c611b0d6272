package apply

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// What the aliases of a document may grow to.
const (
	maxNodes = 1_000_000
	maxDepth = 100
)

// knownTags are what YAML's parser takes plain values for, and what can be written to the same effect.
var knownTags = []string{"!!map", "!!seq", "!!str", "!!bool", "!!int", "!!float", "!!timestamp", "!!null", "!!merge"}

// A source is a file that is being read. Its methods make JSON of YAML, as people mean it rather than as YAML's
// types have it: 1.10 stays 1.10, and a value of env_vars is the text that is written there.
type source struct {
	name  string
	nodes int // seen so far
	depth int // of the node that is being read
}

// enter counts a node. The caller calls leave when there is no error.
func (s *source) enter(node *yaml.Node) (leave func(), err error) {
	if s.nodes++; s.nodes > maxNodes {
		return nil, s.errorf(node, "has more than %d values", maxNodes)
	}
	if s.depth >= maxDepth {
		return nil, s.errorf(node, "is more than %d levels deep", maxDepth)
	}
	if !slices.Contains(knownTags, node.Tag) {
		// The tag is not told: it may be a secret that begins with "!".
		return nil, s.errorf(node, "has a tag that means nothing here: quote text that begins with \"!\"")
	}
	s.depth++
	return func() { s.depth-- }, nil
}

func (s *source) errorf(at *yaml.Node, format string, args ...any) error {
	return fmt.Errorf("%s: %s", s.at(at), fmt.Sprintf(format, args...))
}

func (s *source) at(node *yaml.Node) string { return s.name + ":" + strconv.Itoa(node.Line) }

// An entry is one of a dict.
type entry struct {
	key   string
	at    *yaml.Node // the key's
	value *yaml.Node
}

// dict reads a dict, with what "<<" merges into it. No key may be there twice.
func (s *source) dict(node *yaml.Node) ([]entry, error) {
	node = resolve(node)
	if node.Kind != yaml.MappingNode {
		return nil, s.errorf(node, "must be a dict")
	}
	leave, err := s.enter(node)
	if err != nil {
		return nil, err
	}
	defer leave()
	var own, merged []entry
	seen := map[string]bool{}
	for i := 0; i < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if key.Tag == "!!merge" {
			entries, err := s.merge(value)
			if err != nil {
				return nil, err
			}
			merged = append(merged, entries...)
			continue
		}
		if key = resolve(key); key.Kind != yaml.ScalarNode || key.Tag == "!!null" {
			return nil, s.errorf(key, "a key must be a plain word")
		}
		if seen[key.Value] {
			return nil, s.errorf(key, "has the key %q twice", key.Value)
		}
		seen[key.Value] = true
		own = append(own, entry{key.Value, key, value})
	}
	for _, e := range merged {
		if !seen[e.key] {
			seen[e.key] = true
			own = append(own, e)
		}
	}
	return own, nil
}

// merge reads what comes after "<<": a dict, or a list of them of which the first counts most.
func (s *source) merge(value *yaml.Node) ([]entry, error) {
	value = resolve(value)
	if value.Kind != yaml.SequenceNode {
		return s.dict(value)
	}
	var all []entry
	for _, item := range value.Content {
		entries, err := s.dict(item)
		if err != nil {
			return nil, err
		}
		all = append(all, entries...)
	}
	return all, nil
}

// section reads the objects of one kind. Nothing at all is refused: what made the file may have had a mishap, after
// which prune would delete them all.
func (s *source) section(node *yaml.Node) (section, error) {
	objects := section{}
	if resolve(node).Tag == "!!null" {
		return nil, s.errorf(node, "has no value: write {} where there are none")
	}
	entries, err := s.dict(node)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if resolve(e.value).Kind != yaml.MappingNode {
			return nil, s.errorf(e.at, "%q must be a dict of fields", e.key)
		}
		fields, err := s.json(e.value, false)
		if err != nil {
			return nil, err
		}
		encoded, err := json.Marshal(fields)
		if err != nil {
			return nil, s.errorf(e.at, "%q: %v", e.key, err)
		}
		objects[e.key] = object{encoded, s.at(e.at)}
	}
	return objects, nil
}

// json is what to marshal for a node. text has every plain value taken as it is written.
func (s *source) json(node *yaml.Node, text bool) (any, error) {
	node = resolve(node)
	leave, err := s.enter(node)
	if err != nil {
		return nil, err
	}
	defer leave()
	switch node.Kind {
	case yaml.MappingNode:
		entries, err := s.dict(node)
		if err != nil {
			return nil, err
		}
		dict := make(map[string]any, len(entries))
		for _, e := range entries {
			if dict[e.key], err = s.json(e.value, text || e.key == "env_vars"); err != nil {
				return nil, err
			}
		}
		return dict, nil
	case yaml.SequenceNode:
		list := make([]any, len(node.Content))
		for i, item := range node.Content {
			if list[i], err = s.json(item, text); err != nil {
				return nil, err
			}
		}
		return list, nil
	}
	return s.plain(node, text)
}

// otherNumber is a number that YAML reads otherwise than people do, or that not all YAML reads alike: 0100 is 64, or 100.
var otherNumber = regexp.MustCompile(`^[-+]?0[0-9a-zA-Z_]|_|^\+`)

// plain is the value of a node that is neither a dict nor a list.
func (s *source) plain(node *yaml.Node, text bool) (any, error) {
	switch {
	case node.Tag == "!!null":
		return nil, s.errorf(node, "has no value: leave the key out, or quote what is meant as it is written")
	case text:
		return node.Value, nil
	case (node.Tag == "!!int" || node.Tag == "!!float") && otherNumber.MatchString(node.Value):
		return nil, s.errorf(node, "must be a plain decimal number, is %s", node.Value)
	case node.Tag == "!!bool", node.Tag == "!!int":
		var value any
		if err := node.Decode(&value); err != nil {
			return nil, s.errorf(node, "%v", err)
		}
		return value, nil
	case node.Tag == "!!float":
		var value float64
		if err := node.Decode(&value); err != nil || math.IsNaN(value) || math.IsInf(value, 0) {
			return nil, s.errorf(node, "must be a number, is %s", node.Value)
		}
		return value, nil
	}
	return node.Value, nil
}

// resolve is the node that an alias stands for.
func resolve(node *yaml.Node) *yaml.Node {
	for node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	return node
}
