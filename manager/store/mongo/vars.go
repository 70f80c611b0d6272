package mongo

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// plainVars are env_vars with the values that containers of Nebula's workers got to see. Variables without a value are
// left out: to those workers such a name alone sets nothing. Numbers with a fraction are written as Python does;
// booleans are left to [topics.EnvVars].
func plainVars(vars bson.Raw) (json.RawMessage, error) {
	elements, err := vars.Elements()
	if err != nil {
		return nil, err
	}
	dict := make(map[string]json.RawMessage, len(elements))
	for _, element := range elements {
		name, value := element.Key(), element.Value()
		var text bytes.Buffer
		switch f, double := value.DoubleOK(); {
		case value.Type == bson.TypeNull:
			continue
		case double && !math.IsNaN(f) && !math.IsInf(f, 0):
			err = writeText(&text, pythonFloat(f))
		default:
			err = writeJSON(&text, value, plainOnly)
		}
		if err != nil {
			return nil, err
		}
		dict[name] = text.Bytes()
	}
	return json.Marshal(dict)
}

// pythonFloat is str(f) of Python, which shows that a number is a float also when it is whole.
func pythonFloat(f float64) string {
	if size := math.Abs(f); size != 0 && (size < 1e-4 || size >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	text := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}
