package main

import (
	"context"

	"muster/manager/admission"
	"muster/manager/api"
	"muster/topics"
)

// asked has other brokers asked of the gate that the embedded one has.
type asked struct{ gate *admission.Gate }

func (a asked) Login(ctx context.Context, c api.BrokerClient, password []byte) (topics.Subject, error) {
	l := login(c)
	l.Password = password
	return a.gate.Judge(ctx, l)
}

func (a asked) Client(ctx context.Context, c api.BrokerClient) (topics.Subject, error) {
	return a.gate.Known(ctx, login(c))
}

func login(c api.BrokerClient) admission.Login {
	return admission.Login{ClientID: c.ClientID, Username: c.Username, CommonName: c.CommonName, Remote: c.Remote}
}
