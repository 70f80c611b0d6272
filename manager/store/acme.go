package store

import "time"

// An ACMEEntry is something that managers keep about the certificates that an ACME server (RFC 8555) issues to them, so that each
// of them can have them and answer that server's questions.
type ACMEEntry struct {
	// Name says what it is: a host name for its certificate, for example.
	Name string `json:"name"`
	// Data may hold private keys.
	Data []byte `json:"data,omitempty"`
	// Until is when a manager's turn to ask for a certificate ends; zero for all else.
	Until time.Time `json:"until,omitzero"`
}

// ACMEDocuments describes what is kept about ACME.
func ACMEDocuments() Kind[ACMEEntry] {
	return Kind[ACMEEntry]{
		Singular: "acme_entry", Plural: "acme",
		Name: func(e ACMEEntry) string { return e.Name },
		Fill: func(*ACMEEntry) {},
	}
}
