package attack

import "strings"

// strangers have nothing that Muster gave them.
func strangers() []row {
	return []row{
		{"no credentials", mqtt, func(a *attempt) string {
			return a.login(hello{id: a.name})
		}, "CONNACK 0x86", "no user name"},
		{"a wrong password", mqtt, func(a *attempt) string {
			return a.login(hello{id: a.name, identity: identity{username: a.name, password: "guess"}})
		}, "CONNACK 0x86", "not let in"},
		{"a password without a name", mqtt, func(a *attempt) string {
			return a.login(hello{id: a.name, identity: identity{password: "guess"}})
		}, "CONNACK 0x86", "no user name"},
		{"the client id of the broker's own", mqtt, func(a *attempt) string {
			return a.login(hello{id: "inline", identity: a.enrolled(a.name, "thieves")})
		}, "CONNACK 0x85", byAddress},
		{"a user name of 60,000 characters", mqtt, func(a *attempt) string {
			return a.login(hello{id: a.name, identity: identity{username: strings.Repeat("n", 60_000), password: "guess"}})
		}, "CONNACK 0x86", "too long"},
		{"a client id of 60,000 characters", mqtt, func(a *attempt) string {
			h := a.device()
			h.id = a.name + strings.Repeat("n", 60_000)
			return a.login(h)
		}, "CONNACK 0x85", "too long"},
		{"a CONNECT of 256 MB", mqtt, func(a *attempt) string {
			w, err := a.dial(a.over, nil)
			if err != nil {
				return outcome(err)
			}
			defer w.Close()
			if _, err := w.Write([]byte{0x10, 0xff, 0xff, 0xff, 0x7f}); err != nil {
				return outcome(err)
			}
			return w.answer()
		}, "closed", byAddress},
	}
}

// thieves have the identity of one device and want to be another.
func thieves() []row {
	rows := []row{
		{"a client id that is another device's", mqtt, func(a *attempt) string {
			h := a.device()
			h.id = "victim"
			return a.login(h)
		}, "CONNACK 0x86", "client id"},
		{"a client id that is the name in capitals", mqtt, func(a *attempt) string {
			h := a.device()
			h.id = strings.ToUpper(a.name)
			return a.login(h)
		}, "CONNACK 0x86", "client id"},
		{"a client id that begins like the name", mqtt, func(a *attempt) string {
			h := a.device()
			h.id += "/x"
			return a.login(h)
		}, "CONNACK 0x86", "client id"},
	}
	for what, name := range map[string]string{
		"a wildcard": "+", "a slash": "a/b", "two dots": "..", "a letter that looks like another": "victіm", "a zero-width space": "victim\u200b",
		"a space": "victim ",
	} {
		rows = append(rows, row{"a name with " + what, mqtt, func(a *attempt) string {
			return a.login(hello{id: a.name, identity: identity{username: name, password: "guess"}})
		}, "CONNACK 0x86", "name"})
	}
	for _, topic := range topicsOf("victim") {
		rows = append(rows, row{"a will on " + topic, []string{overTLS}, func(a *attempt) string {
			h := a.device()
			h.will = topic
			return a.login(h)
		}, "CONNACK 0x87", "not allowed to have a will"})
	}
	return rows
}
