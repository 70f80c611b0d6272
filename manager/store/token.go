package store

import "time"

// A Token lets somebody in who shows it: a program, over REST and MQTT, or new devices, once each. What is shown is
// ID.secret, as it was told when the token was made; nobody can tell it again.
type Token struct {
	// ID is random, and no secret. It is the document's name.
	ID string `json:"id"`
	// Name is for people, unique among the API tokens.
	Name string    `json:"name"`
	Kind TokenKind `json:"kind"`
	// Hash is the SHA-256 of the secret, which is random and long enough for that.
	Hash []byte `json:"hash"`
	// Created is when it was made, and By whom.
	Created time.Time `json:"created"`
	By      string    `json:"by"`
	// Expires is when it ends; zero is never, which an enrollment token cannot have.
	Expires time.Time `json:"expires,omitzero"`

	// What follows is an enrollment token's.

	// DeviceGroup is that of the devices.
	DeviceGroup string `json:"device_group,omitempty"`
	// Device is the only device that it is for; empty is any.
	Device string `json:"device,omitempty"`
	// Uses is how many devices it is for, and Used how many there were.
	Uses int64 `json:"uses,omitempty"`
	Used int64 `json:"used,omitempty"`
	// Taking names devices for which a use was taken and of which it may not be known yet whether they have their identities: taking it
	// once more takes no other.
	Taking []string `json:"taking,omitempty"`
	// Approve has an admin decide on each device.
	Approve bool `json:"approve,omitempty"`

	// What follows is an API token's.

	// Admin lets it do everything; else its rights are those of the UserGroups.
	Admin      bool     `json:"admin,omitempty"`
	UserGroups []string `json:"user_groups,omitempty"`
	// MQTTRole is what it is at the broker: "viewer" with the same rights, "bridge", "manager", or, when empty, nothing.
	MQTTRole string `json:"mqtt_role,omitempty"`
	// BrokerAuth lets it ask whether others may connect, publish and subscribe, as an external broker does.
	BrokerAuth bool `json:"broker_auth,omitempty"`
}

// A TokenKind is what a token is for.
type TokenKind string

// The kinds of tokens.
const (
	TokenEnroll TokenKind = "enroll"
	TokenAPI    TokenKind = "api"
)

// TokenDocuments describes tokens.
func TokenDocuments() Kind[Token] {
	return Kind[Token]{
		Singular: "token", Plural: "tokens",
		Name: func(t Token) string { return t.ID },
		Fill: func(t *Token) { fill(&t.UserGroups) },
	}
}

// An Authority is a certificate authority of the fleet. The one with the highest ID issues; the others are still believed.
type Authority struct {
	// ID is "1" for the first, and one more for each that follows.
	ID string `json:"id"`
	// Certificate is its own, self-signed, in PEM.
	Certificate string `json:"certificate"`
	// Cross is the same name and key in a certificate that its predecessor has signed, in PEM: whoever believes that one
	// believes this one. Empty for the first.
	Cross string `json:"cross,omitempty"`
	// Key is the private key in PEM (PKCS #8), sealed when managers have a key for that.
	Key string `json:"key"`
	// Created is when it was made, and By whom.
	Created time.Time `json:"created"`
	By      string    `json:"by"`
	// Retired is since when devices' certificates of it are not believed any more; zero while they are.
	Retired time.Time `json:"retired,omitzero"`
}

// AuthorityDocuments describes certificate authorities.
func AuthorityDocuments() Kind[Authority] {
	return Kind[Authority]{
		Singular: "authority", Plural: "authorities",
		Name: func(a Authority) string { return a.ID },
		Fill: func(*Authority) {},
	}
}
