package sqlite

import "strings"

// conditions are what a WHERE clause consists of.
type conditions struct {
	terms []string
	args  []any
}

func (c *conditions) add(term string, arg any) {
	c.terms = append(c.terms, term)
	c.args = append(c.args, arg)
}

func (c *conditions) unlessEmpty(term, arg string) {
	if arg != "" {
		c.add(term, arg)
	}
}

func (c *conditions) clause() string {
	if len(c.terms) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(c.terms, " AND ")
}
