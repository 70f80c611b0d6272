package api

// What a body may look like. Whatever fits into a config is far below both; what is not would cost memory and
// time out of proportion to its bytes.
const (
	maxDepth  = 32
	maxValues = 20_000
)

// checkShape refuses what is nested too deep or has too many values, before anything is made of it. It looks at
// brackets and commas outside of strings, whether the rest is JSON or not.
func checkShape(data []byte) error {
	depth, values := 0, 1
	inString, escaped := false, false
	for _, c := range data {
		switch {
		case escaped:
			escaped = false
		case inString:
			inString, escaped = c != '"', c == '\\'
		case c == '"':
			inString = true
		case c == '{' || c == '[':
			depth++
			values++
		case c == '}' || c == ']':
			depth--
		case c == ',':
			values++
		}
		if depth > maxDepth {
			return fieldErrorf("body", "must not be nested deeper than %d levels", maxDepth)
		}
		if values > maxValues {
			return fieldErrorf("body", "must not have more than %d values", maxValues)
		}
	}
	return nil
}
