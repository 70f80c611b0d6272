package storetest

import (
	"strconv"

	"muster/manager/store"
)

func tokens() kind[store.Token] {
	words := store.TokenDocuments()
	const plain = `{"id":"plain","name":"","kind":"enroll","hash":"AQI=","created":"2026-01-02T03:04:05Z","by":"ada"}`
	return kind[store.Token]{
		Kind: words,
		of:   store.Store.Tokens,
		make: func(id string, n int64) store.Token {
			return store.Token{ID: id, Kind: store.TokenEnroll, Hash: []byte{1}, Used: n, UserGroups: []string{}}
		},
		add:    func(t *store.Token) { t.Used++ },
		count:  func(t store.Token) int64 { return t.Used },
		rename: func(t *store.Token, id string) { t.ID = id },
		samples: map[string]sample[store.Token]{
			"an enrollment token": same(words, `{"id": "e", "name": "n", "kind": "enroll", "hash": "/+8=", "created": "2026-01-02T03:04:05.123456789Z", "by": "ada",
				"expires": "2026-01-03T03:04:05Z", "device_group": "g.1", "device": "d", "uses": 9007199254740992, "used": 2, "approve": true}`),
			"an API token": same(words, `{"id": "a", "name": "ü", "kind": "api", "hash": "/+8=", "created": "2026-01-02T03:04:05Z", "by": "ada",
				"admin": true, "user_groups": ["b", "a"], "mqtt_role": "viewer", "broker_auth": true}`),
			"plain": same(words, plain),
		},
		nonsense: `{"id": "NAME", "name": 7, "kind": "api"}`,
	}
}

func authorities() kind[store.Authority] {
	words := store.AuthorityDocuments()
	count := func(a store.Authority) int64 { return number(a.Key) }
	return kind[store.Authority]{
		Kind: words,
		of:   store.Store.Authorities,
		make: func(id string, n int64) store.Authority {
			return store.Authority{ID: id, Certificate: "c", Key: strconv.FormatInt(n, 10)}
		},
		add:    func(a *store.Authority) { a.Key = strconv.FormatInt(count(*a)+1, 10) },
		count:  count,
		rename: func(a *store.Authority, id string) { a.ID = id },
		samples: map[string]sample[store.Authority]{
			"everything set": same(words, `{"id": "2", "certificate": "-----BEGIN\n", "cross": "c\n", "key": "k\u0000",
				"created": "2026-01-02T03:04:05.5Z", "by": "ada", "retired": "2027-01-02T03:04:05Z"}`),
			"the first": same(words, `{"id": "1", "certificate": "c", "key": "k", "created": "2026-01-02T03:04:05Z", "by": ""}`),
		},
		nonsense: `{"id": "NAME", "certificate": [], "key": "k"}`,
	}
}

func acmeEntries() kind[store.ACMEEntry] {
	words := store.ACMEDocuments()
	count := func(e store.ACMEEntry) int64 { return number(string(e.Data)) }
	return kind[store.ACMEEntry]{
		Kind: words,
		of:   store.Store.ACME,
		make: func(name string, n int64) store.ACMEEntry {
			return store.ACMEEntry{Name: name, Data: strconv.AppendInt(nil, n, 10)}
		},
		add:    func(e *store.ACMEEntry) { e.Data = strconv.AppendInt(nil, count(*e)+1, 10) },
		count:  count,
		rename: func(e *store.ACMEEntry, name string) { e.Name = name },
		samples: map[string]sample[store.ACMEEntry]{
			"bytes":  same(words, `{"name": "manager.example+token", "data": "AP+ACg=="}`),
			"a turn": same(words, `{"name": "turn", "data": "bTE=", "until": "2026-01-02T03:04:05.5Z"}`),
		},
		nonsense: `{"name": "NAME", "data": 7}`,
	}
}
