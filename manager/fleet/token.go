package fleet

import (
	"time"

	"muster/manager/store"
)

// shownToken is what is told of every token. Nothing that is told helps to find the secret.
type shownToken struct {
	ID      string          `json:"id"`
	Token   string          `json:"token,omitempty"`
	Name    string          `json:"name"`
	Kind    store.TokenKind `json:"kind"`
	Created time.Time       `json:"created"`
	By      string          `json:"by"`
	Expires *time.Time      `json:"expires"`
}

type shownEnrollToken struct {
	shownToken
	DeviceGroup string `json:"device_group"`
	Device      string `json:"device"`
	Uses        int64  `json:"uses"`
	Used        int64  `json:"used"`
	Approve     bool   `json:"approve"`
}

type shownAPIToken struct {
	shownToken
	Admin      bool     `json:"admin"`
	UserGroups []string `json:"user_groups"`
	MQTTRole   string   `json:"mqtt_role"`
	BrokerAuth bool     `json:"broker_auth"`
}

// ShowToken is an entry of GET /api/v2/tokens, for json.Marshal: the token without its hash. text is the token as its bearer shows
// it, which is told once; empty leaves it out.
func ShowToken(t store.Token, text string) any {
	shown := shownToken{ID: t.ID, Token: text, Name: t.Name, Kind: t.Kind, Created: t.Created, By: t.By}
	if !t.Expires.IsZero() {
		shown.Expires = &t.Expires
	}
	if t.Kind == store.TokenEnroll {
		return shownEnrollToken{shown, t.DeviceGroup, t.Device, t.Uses, t.Used, t.Approve}
	}
	return shownAPIToken{shown, t.Admin, append([]string{}, t.UserGroups...), t.MQTTRole, t.BrokerAuth}
}
