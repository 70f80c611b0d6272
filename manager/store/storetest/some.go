package storetest

import "github.com/google/go-cmp/cmp"

func testSome[T any](r rig, k kind[T]) {
	docs := k.of(r.handle())
	odd := []string{"b", "a", "B", "a.b", "é", "'", `"`, "$a", "10", "a,b", "[]", "null", "1"}
	for i, name := range odd {
		r.must(docs.Create(r.ctx, k.make(name, int64(i+1))))
	}
	for _, test := range []struct{ names, want []string }{
		{[]string{"a"}, []string{"a"}},
		{[]string{"b", "a", "B"}, []string{"B", "a", "b"}},
		{[]string{"a", "b", "a", "a"}, []string{"a", "b"}},
		{[]string{"none", "b", "A", "", "a ", "a\x00", "%", "_"}, []string{"b"}},
		{[]string{"none"}, []string{}},
		{odd, []string{`"`, "$a", "'", "1", "10", "B", "[]", "a", "a,b", "a.b", "b", "null", "é"}},
		{[]string{}, []string{}},
		{nil, []string{}},
	} {
		some, err := docs.Some(r.ctx, test.names)
		r.must(err)
		if some == nil {
			r.Errorf("%q: got nil, want a list", test.names)
		}
		got := []string{}
		for _, doc := range some {
			got = append(got, k.Name(doc))
			if whole, err := docs.Get(r.ctx, k.Name(doc)); err != nil || encode(whole) != encode(doc) {
				r.Errorf("%q: got %s, but get says %s, %v", test.names, encode(doc), encode(whole), err)
			}
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			r.Errorf("%q (-want +got):\n%s", test.names, diff)
		}
	}
}
