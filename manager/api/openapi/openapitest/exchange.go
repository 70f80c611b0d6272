package openapitest

import (
	"bytes"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// An Exchange is a request and its answer.
type Exchange struct {
	Method string
	URL    *url.URL
	Sent   []byte
	Status int
	Header http.Header
	Body   []byte
}

// atNoRoute are the answers to what has no route, among the components of the document.
var atNoRoute = map[int]string{
	401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 405: "MethodNotAllowed",
	429: "TooManyRequests", 500: "InternalError", 503: "Unavailable",
}

// Check reports what of the exchange is not as documented: the answer, and what was sent when that was accepted.
func (c *Contract) Check(x Exchange) error {
	if x.Status == 499 {
		return nil // for the log; nobody is there to be answered
	}
	method := x.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	op := c.operation(method, x.URL.EscapedPath())
	if op.Value == nil {
		return x.checkAnswer(c.Root().At("components", "responses", atNoRoute[x.Status]))
	}
	if err := x.checkAnswer(op.At("responses", strconv.Itoa(x.Status))); err != nil || x.Status >= 300 {
		return err
	}
	if err := x.checkQuery(op); err != nil {
		return err
	}
	if body := op.At("requestBody"); body.Value != nil {
		return validateJSON(body.At("content", "application/json", "schema"), x.Sent)
	}
	return nil
}

func (x Exchange) checkAnswer(response Place) error {
	if response.Value == nil {
		return fmt.Errorf("status %d is not documented", x.Status)
	}
	for _, name := range response.At("headers").Keys() {
		if header := response.At("headers", name); header.At("required").Value == true && x.Header.Get(name) == "" {
			return fmt.Errorf("there is no header %s", name)
		} else if value := x.Header.Get(name); value != "" {
			if err := header.At("schema").Validate(value); err != nil {
				return fmt.Errorf("header %s %q: %w", name, value, err)
			}
		}
	}
	content := response.At("content")
	if content.Value == nil {
		if len(x.Body) > 0 {
			return fmt.Errorf("status %d is documented without a body", x.Status)
		}
		return nil
	}
	mediaType, _, err := mime.ParseMediaType(x.Header.Get("Content-Type"))
	media := content.At(mediaType)
	if err != nil || media.Value == nil {
		return fmt.Errorf("Content-Type %q is not documented", x.Header.Get("Content-Type"))
	}
	if x.Method == http.MethodHead && len(x.Body) == 0 || mediaType != "application/json" {
		return nil
	}
	return validateJSON(media.At("schema"), x.Body)
}

// checkQuery checks that parameters which were accepted are documented.
func (x Exchange) checkQuery(op Place) error {
	parameters := op.At("parameters").Items()
	for name, values := range x.URL.Query() {
		i := slices.IndexFunc(parameters, func(p Place) bool {
			return p.At("in").Value == "query" && p.At("name").Value == name
		})
		if i < 0 {
			return fmt.Errorf("the parameter %s is not documented", name)
		}
		schema := parameters[i].At("schema")
		value, err := parameter(schema, values)
		if err == nil {
			err = schema.Validate(value)
		}
		if err != nil {
			return fmt.Errorf("the parameter %s: %w", name, err)
		}
	}
	return nil
}

// parameter is the value that a query gives to a parameter of that schema.
func parameter(schema Place, values []string) (value any, err error) {
	switch schema.At("type").Value {
	case "array":
		list := make([]any, len(values))
		for i, v := range values {
			list[i] = v
		}
		return list, nil
	case "boolean":
		return strconv.ParseBool(values[0])
	case "integer":
		return strconv.ParseInt(values[0], 10, 64)
	}
	return values[0], nil
}

func validateJSON(schema Place, data []byte) error {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return err
	}
	return schema.Validate(value)
}
