package api

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"muster/broker/rights"
	"muster/manager/auth"
	"muster/manager/store"
	"muster/topics"
	"muster/topics/token"
)

// identityPage is how many identities are read at once.
const identityPage = 1000

// getBrokerRights answers with what another broker has to be told.
func (a *api) getBrokerRights(r *http.Request) (int, any, error) {
	params := readQuery(r)
	if err := params.done(); err != nil {
		return 0, nil, err
	}
	fleet, leftOut, err := a.brokerUsers(r.Context())
	if err != nil {
		return 0, nil, err
	}
	var content bytes.Buffer
	if err := rights.Write(&content, pathName(r, "format"), fleet); err != nil {
		return 0, nil, fieldErrorf("format", "%s", err)
	}
	return http.StatusOK, map[string]any{"content": content.String(), "left_out": leftOut}, nil
}

// brokerUsers are those of whom a file can tell: devices that are let in, programs with API tokens, and enrollment tokens that are for
// one device. Who sees a part of the fleet only is left out, with the reason: a file would show them everything.
func (a *api) brokerUsers(ctx context.Context) (fleet rights.Fleet, leftOut []string, err error) {
	fleet, leftOut = rights.Fleet{Root: a.root}, []string{}
	add := func(u rights.User) {
		if err := u.Check(); err != nil {
			leftOut = append(leftOut, u.Login+": "+err.Error())
			return
		}
		fleet.Users = append(fleet.Users, u)
	}
	for after := ""; ; {
		page, err := a.store.Identities().List(ctx, store.IdentityFilter{State: store.IdentityActive}, after, identityPage)
		if err != nil {
			return fleet, nil, err
		}
		for _, i := range page {
			add(rights.User{Login: i.Device, Subject: topics.Subject{Role: topics.RoleDevice, Name: i.Device, Group: i.DeviceGroup}})
		}
		if len(page) < identityPage {
			break
		}
		after = page[len(page)-1].Device
	}
	all, err := a.store.Tokens().All(ctx)
	if err != nil {
		return fleet, nil, err
	}
	now := time.Now()
	for _, t := range all {
		role := topics.Role(t.MQTTRole)
		switch {
		case !t.Expires.IsZero() && !now.Before(t.Expires):
		case t.Kind == store.TokenEnroll && t.Device != "":
			add(rights.User{Login: token.EnrollUser(t.ID), Subject: topics.Subject{Role: topics.RoleEnrolling, Name: t.Device, Group: t.DeviceGroup}})
		case t.Kind == store.TokenAPI && role == topics.RoleViewer && !t.Admin:
			leftOut = append(leftOut, auth.TokenName(t.Name)+": sees what its user_groups may, which no file can say")
		case t.Kind == store.TokenAPI && role != "":
			add(rights.User{Login: auth.TokenName(t.Name), Subject: topics.Subject{Role: role, Name: t.Name}})
		}
	}
	return fleet, leftOut, nil
}
