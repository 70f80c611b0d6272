package publish

// Counts are of messages on config topics since the start.
type Counts struct {
	// Published are the configs that the broker has acknowledged, Failed those that it has not, and Cleared the
	// topics of deleted device_groups that were emptied.
	Published, Failed, Cleared int64
}

// Counts returns the counts of now.
func (p *Publisher) Counts() Counts {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.counts
}

func (c *Counts) add(done verdict, err error) {
	switch {
	case err != nil:
		c.Failed++
	case done == put:
		c.Published++
	default:
		c.Cleared++
	}
}
