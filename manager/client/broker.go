package client

import (
	"context"
	"net/url"
)

// BrokerRights is what another broker has to be told: the content of its file, and who could not be put in, with the reason. The
// formats are those of the package broker/rights.
func (c *Client) BrokerRights(ctx context.Context, format string) (content string, leftOut []string, err error) {
	var answer struct {
		Content string   `json:"content"`
		LeftOut []string `json:"left_out"`
	}
	_, err = c.do(ctx, call{path: "/broker/rights/" + url.PathEscape(format), do: "get", kind: "rights of a broker", name: format}, &answer)
	return answer.Content, answer.LeftOut, err
}
