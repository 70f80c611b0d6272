package admin

import (
	"context"
	"strings"

	"muster/manager/client"
)

// A kind is one kind of objects, as the commands see it.
type kind struct {
	word   string // for one: "cron_job"
	names  func(context.Context, *client.Client) ([]string, error)
	read   func(ctx context.Context, c *client.Client, names []string) []found
	remove func(ctx context.Context, c *client.Client, name string) error
	header []string
	// related adds to the description of one object what others say of it; nil adds nothing.
	related func(ctx context.Context, c *client.Client, name string) (key string, value any, err error)
}

// A found is what became of looking for one object.
type found struct {
	name  string
	value any
	row   []string
	err   error
}

// newKind is the kind of the objects that a client has. row is a line of their table.
func newKind[T any](objects func(*client.Client) client.Objects[T], header []string, row func(T) []string) kind {
	return kind{
		word:  objects(nil).Kind(),
		names: func(ctx context.Context, c *client.Client) ([]string, error) { return objects(c).Names(ctx) },
		read: func(ctx context.Context, c *client.Client, names []string) []found {
			return rows(objects(c).GetAll(ctx, names), row)
		},
		remove: func(ctx context.Context, c *client.Client, name string) error { return objects(c).Delete(ctx, name) },
		header: header,
	}
}

func rows[T any](results []client.Result[T], row func(T) []string) []found {
	all := make([]found, len(results))
	for i, r := range results {
		all[i] = found{name: r.Name, value: r.Value, err: r.Err}
		if r.Err == nil {
			all[i].row = row(r.Value)
		}
	}
	return all
}

// complete offers their names, whatever was given before.
func (k kind) complete(ctx context.Context, c *client.Client, _ []string, _ string) ([]string, error) {
	return k.names(ctx, c)
}

func (k kind) plural() string { return k.word + "s" }

// aliases are the other ways to write a command that is called word: other is one, and so are both with dashes.
func aliases(word, other string) []string {
	all := []string{other}
	for _, underscored := range []string{word, other} {
		if dashed := strings.ReplaceAll(underscored, "_", "-"); dashed != underscored {
			all = append(all, dashed)
		}
	}
	return all
}
