package admission

import "context"

// Sweep looks for deleted identities now.
func (g *Gate) Sweep(ctx context.Context) error { return g.sweep(ctx) }
