package apply

import (
	"context"

	"muster/manager/client"
)

// Export reads everything that files can say, in the form that [Read] takes: by the key of the kind, and the name.
// Values of env_vars are in it.
func Export(ctx context.Context, c *client.Client) (map[string]any, error) {
	sections := map[string]any{}
	for _, k := range kinds {
		names, err := k.names(ctx, c)
		if err != nil {
			return nil, err
		}
		objects, err := k.get(ctx, c, names)
		if err != nil {
			return nil, err
		}
		sections[k.plural()] = objects
	}
	return sections, nil
}
