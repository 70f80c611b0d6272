package storetest

import (
	"encoding/json"
	"strings"

	"muster/manager/store"
)

// A kind is what the suite needs to know about one kind of documents.
type kind[T any] struct {
	store.Kind[T]
	of func(store.Store) store.Documents[T]
	// make makes a document; it carries n in a field that add raises and count reads.
	make  func(name string, n int64) T
	add   func(*T)
	count func(T) int64
	// rename changes the name that a document carries.
	rename func(*T, string)
	// samples are documents, by what is special about them, each with the JSON that reading it back
	// must give.
	samples map[string]sample[T]
	// unwritable is a document that could be written and not be read, if there is any.
	unwritable *T
	// nonsense is the JSON of a document that cannot be read, with NAME for its name.
	nonsense string
}

type sample[T any] struct {
	name string
	doc  T
	want string
}

// same is a sample that comes back as it is written here, but for white space.
func same[T any](k store.Kind[T], document string) sample[T] {
	document = strings.Join(strings.Fields(document), "")
	var doc T
	if err := json.Unmarshal([]byte(document), &doc); err != nil {
		panic(err) // the samples are constants
	}
	return sample[T]{k.Name(doc), doc, document}
}

// encode is how the suite compares documents: as the JSON that clients and devices see.
func encode(doc any) string {
	data, err := json.Marshal(doc)
	if err != nil {
		return err.Error()
	}
	return string(data)
}
