package apply

import (
	"bytes"
	"encoding/json"
	"regexp"
)

// jsonEscape is an escape in a JSON string, with both halves of a character that takes two.
var jsonEscape = regexp.MustCompile(`\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|.)`)

// yamlOf is content as YAML's parser takes it. Two of JSON's escapes it does not know: \/, as PHP writes it, and the
// halves of a character that Python writes for an emoji.
func yamlOf(content []byte) []byte {
	if !json.Valid(bytes.TrimPrefix(content, []byte("\ufeff"))) {
		return content
	}
	return jsonEscape.ReplaceAllFunc(content, func(escape []byte) []byte {
		if string(escape) == `\/` {
			return []byte("/")
		}
		var character string
		if len(escape) == 2 || json.Unmarshal([]byte(`"`+string(escape)+`"`), &character) != nil {
			return escape
		}
		return []byte(character)
	})
}
