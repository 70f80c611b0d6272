package openapi

import "go.yaml.in/yaml/v3"

// expand copies a node with what its aliases and merge keys ("<<") stand for, so that whoever changes a part
// of the copy changes it in one place only.
func expand(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return expand(n.Alias)
	}
	c := *n
	c.Anchor, c.Content = "", nil
	if n.Kind != yaml.MappingNode {
		for _, item := range n.Content {
			c.Content = append(c.Content, expand(item))
		}
		return &c
	}
	for i := 0; i < len(n.Content); i += 2 {
		key, value := n.Content[i], expand(n.Content[i+1])
		if key.Tag != "!!merge" {
			c.Content = append(c.Content, key, value)
			continue
		}
		for j := 0; j < len(value.Content); j += 2 {
			if get(n, value.Content[j].Value) == nil { // what the mapping says itself goes before
				c.Content = append(c.Content, value.Content[j], value.Content[j+1])
			}
		}
	}
	return &c
}
