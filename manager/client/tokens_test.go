package client_test

import (
	"errors"
	"testing"
	"time"

	"muster/manager/api/apitest"
	"muster/manager/client"
	"muster/manager/store"
)

func TestTokensOfAManager(t *testing.T) {
	ctx := t.Context()
	server := apitest.Start(t)
	c := connect(t, server.URL, nil)
	if all, err := c.Tokens(ctx, ""); err != nil || len(all) != 0 {
		t.Errorf("no tokens: %v, %v", all, err)
	}
	if _, err := c.DeviceGroups().Create(ctx, "shops", store.DeviceGroup{Apps: []string{}, CronJobs: []string{}}); err != nil {
		t.Fatal(err)
	}
	ci, text, err := c.CreateToken(ctx, client.NewToken{Kind: store.TokenAPI, Name: "ci", Admin: true, TTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, ci, store.Token{
		ID: ci.ID, Name: "ci", Kind: store.TokenAPI, Created: ci.Created, By: apitest.User, Expires: ci.Created.Add(time.Hour), Admin: true, UserGroups: []string{},
	})
	as := connect(t, server.URL, func(o *client.Options) { o.Token = text })
	enroll, _, err := as.CreateToken(ctx, client.NewToken{Kind: store.TokenEnroll, DeviceGroup: "shops", Uses: 3, Approve: true})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, enroll, store.Token{
		ID: enroll.ID, Kind: store.TokenEnroll, Created: enroll.Created, By: "token:ci", Expires: enroll.Created.Add(24 * time.Hour), DeviceGroup: "shops", Uses: 3, Approve: true,
	})
	all, err := c.Tokens(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, all, []store.Token{ci, enroll})
	if of, err := c.Tokens(ctx, store.TokenEnroll); err != nil || len(of) != 1 || of[0].ID != enroll.ID {
		t.Errorf("those for devices: %v, %v", of, err)
	}
	_, _, err = c.CreateToken(ctx, client.NewToken{Kind: store.TokenAPI, Name: "ci", Admin: true})
	if !errors.Is(err, client.ErrExists) || err.Error() != `token "ci" exists already` {
		t.Errorf("made twice: %v", err)
	}
	if _, _, err = c.CreateToken(ctx, client.NewToken{Kind: store.TokenEnroll, DeviceGroup: "none"}); err == nil || err.Error() != `token: one of its device_groups does not exist` {
		t.Errorf("for no device_group: %v", err)
	}
	if err := c.DeleteToken(ctx, ci.ID); err != nil {
		t.Error(err)
	}
	if err := c.DeleteToken(ctx, ci.ID); !errors.Is(err, client.ErrNotFound) {
		t.Errorf("deleted twice: %v", err)
	}
	if err := as.Status(ctx); !errors.Is(err, client.ErrDenied) {
		t.Errorf("deleted, it is answered %v", err)
	}
}
