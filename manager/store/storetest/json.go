package storetest

import (
	"bytes"
	"encoding/json"
	"math/big"

	"github.com/google/go-cmp/cmp"
)

// sameJSON compares JSON by what it means: white space, the order of keys and how a number is written do not
// matter, but no digit of a number may be lost.
var sameJSON = cmp.Options{
	cmp.Transformer("decode", func(data json.RawMessage) any {
		decoder := json.NewDecoder(bytes.NewReader(data))
		decoder.UseNumber()
		var value any
		if err := decoder.Decode(&value); err != nil {
			return err.Error()
		}
		return value
	}),
	cmp.Comparer(func(a, b json.Number) bool {
		x, ok := new(big.Rat).SetString(a.String())
		y, also := new(big.Rat).SetString(b.String())
		return ok && also && x.Cmp(y) == 0
	}),
}
