package mongo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/big"
	"strconv"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// readJSON makes BSON of JSON, field by field in the same order: whole numbers become integers, others
// doubles. It is not extended JSON, in which a key like $date has a meaning.
func readJSON(data []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	value, err := readValue(dec)
	if err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("more than one JSON value")
	}
	return value, nil
}

func readValue(dec *json.Decoder) (any, error) {
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch token := token.(type) {
	case json.Number:
		return number(token)
	case json.Delim:
		if token == '[' {
			return readList(dec)
		}
		return readDict(dec)
	default: // a string, a bool or nil
		return token, nil
	}
}

func readList(dec *json.Decoder) (any, error) {
	list := bson.A{}
	for dec.More() {
		value, err := readValue(dec)
		if err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	_, err := dec.Token() // the bracket that closes it
	return list, err
}

func readDict(dec *json.Decoder) (any, error) {
	dict := bson.D{}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, err
		}
		value, err := readValue(dec)
		if err != nil {
			return nil, err
		}
		dict = append(dict, bson.E{Key: key.(string), Value: value}) // the decoder allows no other
	}
	_, err := dec.Token()
	return dict, err
}

// number makes an integer or a double, and fails when that would lose a digit.
func number(n json.Number) (any, error) {
	if i, err := n.Int64(); err == nil {
		return i, nil
	}
	f, err := n.Float64()
	if err != nil || !sameNumber(n.String(), strconv.FormatFloat(f, 'g', -1, 64)) {
		return nil, fmt.Errorf("a number of %d characters has more digits than a double holds", len(n))
	}
	return f, nil
}

func sameNumber(a, b string) bool {
	// Decimal128 limits the exponent, so that the exact number below is of a bearable size.
	if _, err := bson.ParseDecimal128(a); err != nil {
		return false
	}
	x, ok := new(big.Rat).SetString(a)
	y, also := new(big.Rat).SetString(b)
	return ok && also && x.Cmp(y) == 0
}

// Whether a value that JSON has no form of is written as extended JSON.
const (
	plainOnly = false
	extended  = true
)

// writeJSON makes JSON of BSON. A double that is whole is written as an integer, whichever of the two a
// client of MongoDB has happened to write.
func writeJSON(to *bytes.Buffer, value bson.RawValue, others bool) error {
	switch value.Type {
	case bson.TypeString:
		return writeText(to, value.StringValue())
	case bson.TypeBoolean:
		to.WriteString(strconv.FormatBool(value.Boolean()))
	case bson.TypeNull:
		to.WriteString("null")
	case bson.TypeInt32:
		to.WriteString(strconv.FormatInt(int64(value.Int32()), 10))
	case bson.TypeInt64:
		to.WriteString(strconv.FormatInt(value.Int64(), 10))
	case bson.TypeDouble:
		if f := value.Double(); math.IsNaN(f) || math.IsInf(f, 0) {
			return writeOther(to, value, others)
		}
		return writeDouble(to, value.Double())
	case bson.TypeEmbeddedDocument:
		return writeElements(to, value.Document(), '{', '}', others)
	case bson.TypeArray:
		return writeElements(to, bson.Raw(value.Array()), '[', ']', others)
	case bson.TypeBinary:
		if subtype, data := value.Binary(); subtype == bson.TypeBinaryGeneric && utf8.Valid(data) && !others {
			return writeText(to, string(data)) // text of Python 3, which calls it bytes
		}
		return writeOther(to, value, others)
	default:
		return writeOther(to, value, others)
	}
	return nil
}

func writeText(to *bytes.Buffer, text string) error {
	data, err := json.Marshal(text)
	to.Write(data)
	return err
}

func writeDouble(to *bytes.Buffer, f float64) error {
	if f == math.Trunc(f) && math.Abs(f) < 1<<63 {
		to.WriteString(strconv.FormatInt(int64(f), 10))
		return nil
	}
	data, err := json.Marshal(f)
	to.Write(data)
	return err
}

func writeOther(to *bytes.Buffer, value bson.RawValue, others bool) error {
	if !others {
		return fmt.Errorf("is a BSON %v that has no form in JSON", value.Type)
	}
	data, err := bson.MarshalExtJSON(bson.D{{Key: "v", Value: value}}, false, false)
	if err != nil {
		return err
	}
	var wrapped struct{ V json.RawMessage }
	if err := json.Unmarshal(data, &wrapped); err != nil {
		return err
	}
	to.Write(wrapped.V)
	return nil
}

func writeElements(to *bytes.Buffer, raw bson.Raw, open, closing byte, others bool) error {
	elements, err := raw.Elements()
	if err != nil {
		return err
	}
	to.WriteByte(open)
	for i, element := range elements {
		if i > 0 {
			to.WriteByte(',')
		}
		if open == '{' {
			if err := writeText(to, element.Key()); err != nil {
				return err
			}
			to.WriteByte(':')
		}
		if err := writeJSON(to, element.Value(), others); err != nil {
			return fmt.Errorf("%s: %w", element.Key(), err)
		}
	}
	to.WriteByte(closing)
	return nil
}
