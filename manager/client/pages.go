package client

import (
	"context"
	"iter"
	"maps"
	"net/http"
	"net/url"
)

// pages makes one call after the other. take decodes an answer and says what to ask for next, nil after the last
// page.
func pages[Page, T any](ctx context.Context, c *Client, what call, take func(Page) (entries []T, next url.Values)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		what := what
		what.method, what.do = http.MethodGet, "list"
		for {
			var page Page
			if _, err := c.do(ctx, what, &page); err != nil {
				var none T
				yield(none, err)
				return
			}
			entries, next := take(page)
			for _, entry := range entries {
				if !yield(entry, nil) {
					return
				}
			}
			if next == nil {
				return
			}
			what.query = with(what.query, next)
		}
	}
}

// with is query with the values of more in place of its own.
func with(query, more url.Values) url.Values {
	merged := maps.Clone(query)
	maps.Copy(merged, more)
	return merged
}

// values are those of the pairs of a name and a value that have a value.
func values(pairs ...string) url.Values {
	query := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			query.Set(pairs[i], pairs[i+1])
		}
	}
	return query
}
