package auth_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"muster/manager/auth"
	"muster/manager/store"
	"muster/topics/token"
)

// token keeps a token and gives its text.
func (r *rig) token(t store.Token) string {
	r.t.Helper()
	made := token.New(token.Pin{})
	t.ID, t.Hash = made.ID, made.Hash()
	if err := r.store.Tokens().Create(r.t.Context(), t); err != nil {
		r.t.Fatal(err)
	}
	r.Invalidate()
	return made.Text()
}

func idOf(text string) string {
	id, _, _ := strings.Cut(text, ".")
	return id
}

func TestAPITokens(t *testing.T) {
	r := newRig(t)
	r.group(store.UserGroup{UserGroup: "shops", DeviceGroups: map[string]store.Right{"tills": store.ReadWrite}})
	r.group(store.UserGroup{UserGroup: "lookers", PruningAllowed: true, DeviceGroups: map[string]store.Right{"tills": store.ReadOnly, "screens": store.ReadOnly}})
	r.group(store.UserGroup{UserGroup: "admins", Admin: true})
	ci := r.token(store.Token{Name: "ci", Kind: store.TokenAPI, UserGroups: []string{"shops", "lookers", "none"}, MQTTRole: "viewer", BrokerAuth: true})
	root := r.token(store.Token{Name: "root", Kind: store.TokenAPI, Admin: true})
	by := r.token(store.Token{Name: "by", Kind: store.TokenAPI, UserGroups: []string{"admins"}})
	bare := r.token(store.Token{Name: "bare", Kind: store.TokenAPI})
	enroll := r.token(store.Token{Kind: store.TokenEnroll, DeviceGroup: "tills", Uses: 1})

	for text, want := range map[string]string{ci: "token:ci", root: "token:root", by: "token:by", bare: "token:bare", enroll: "denied"} {
		r.want(want, home, "Bearer "+text)
		r.want("denied", home, basic(idOf(text), text))
		r.want("denied", home, basic("ci", text))
		r.want(want, home, basic("token", text)) // for programs that know no Bearer
		r.want("denied", home, "Bearer "+idOf(text))
		r.want("denied", home, "Bearer "+idOf(text)+"."+token.New(token.Pin{}).Secret())
		r.want("denied", home, "Bearer "+strings.ToLower(text))
	}
	id, err := login(t.Context(), r.Authenticator, home, "Bearer "+ci)
	if err != nil || id.Token != idOf(ci) || id.MQTTRole != "viewer" || !id.BrokerAuth || id.Admin || !id.MayPrune() ||
		!id.MayDeviceGroup("tills", store.ReadWrite) || id.MayDeviceGroup("screens", store.ReadWrite) || !id.MayDeviceGroup("screens", store.ReadOnly) || id.MayApp("web", store.ReadOnly) {
		t.Errorf("ci is %+v with %+v, %v", id, id.Rights, err)
	}
	for text, want := range map[string]bool{root: true, by: true, bare: false} {
		if id, err := login(t.Context(), r.Authenticator, home, "Bearer "+text); err != nil || id.Admin != want || id.BrokerAuth || id.MQTTRole != "" {
			t.Errorf("%+v, %v; admin should be %v", id, err, want)
		}
	}
	r.wantWorks("tokens, right and wrong", 0, func() {
		r.want("token:ci", home, "Bearer "+ci)
		r.want("denied", home, "Bearer "+token.New(token.Pin{}).Text())
	})
}

// What is taken away, or has ended, lets nobody in: at once on this manager, within the cache time on another.
func TestAPITokensEnd(t *testing.T) {
	r := newRig(t)
	other := r.another()
	short := r.token(store.Token{Name: "short", Kind: store.TokenAPI, Admin: true, Expires: r.now.Add(time.Minute)})
	gone := r.token(store.Token{Name: "gone", Kind: store.TokenAPI, Admin: true})
	earlier := map[string]auth.Identity{}
	for _, text := range []string{short, gone} {
		id, err := login(t.Context(), other, home, "Bearer "+text)
		if err != nil {
			t.Fatal(err)
		}
		earlier[text] = id
		if again, err := other.Again(t.Context(), id); err != nil || again != id {
			t.Errorf("again it is %+v, %v, was %+v", again, err, id)
		}
	}
	if err := r.store.Tokens().Delete(t.Context(), idOf(gone)); err != nil {
		t.Fatal(err)
	}
	r.Invalidate()
	r.want("denied", home, "Bearer "+gone)
	r.pass(cacheTime - time.Nanosecond)
	if got := outcome(other, home, "Bearer "+gone); got != "token:gone" {
		t.Errorf("before the cache time on another manager: %s", got)
	}
	r.pass(time.Nanosecond)
	if got := outcome(other, home, "Bearer "+gone); got != "denied" {
		t.Errorf("after the cache time on another manager: %s", got)
	}
	r.pass(time.Minute - cacheTime - time.Nanosecond)
	r.want("token:short", home, "Bearer "+short)
	r.pass(time.Nanosecond)
	r.want("denied", home, "Bearer "+short)
	for text, id := range earlier {
		if again, err := other.Again(t.Context(), id); !errors.Is(err, auth.ErrDenied) {
			t.Errorf("%s is still %+v, %v", idOf(text), again, err)
		}
	}
	if _, err := login(t.Context(), r.Authenticator, home, "Bearer "+short); err == nil || !strings.Contains(err.Error(), "token:short ("+idOf(short)+") has ended at ") {
		t.Errorf("the log would say %v", err)
	}
}

// Who guesses at tokens is slowed down, and nobody else at the same address.
func TestGuessesAtAPITokens(t *testing.T) {
	r := newRig(t)
	ci := r.token(store.Token{Name: "ci", Kind: store.TokenAPI, Admin: true})
	wrong := "Bearer " + token.New(token.Pin{}).Text()
	for range 2 * auth.AddrBurst {
		r.want("denied", home, wrong) // once is once
	}
	for range auth.AddrBurst - 1 {
		r.want("denied", home, "Bearer "+idOf(ci)+"."+token.New(token.Pin{}).Secret())
	}
	r.want("slow", home, "Bearer "+idOf(ci)+"."+token.New(token.Pin{}).Secret())
	r.want("slow", home, basic(adminName, adminPass))
	r.want("token:ci", home, "Bearer "+ci)
	r.want("denied", elsewhere, wrong)
}

// A store that fails does not bring back a token that this manager has ended, and keeps others for a while.
func TestAPITokensWhileTheStoreFails(t *testing.T) {
	r := newRig(t)
	kept := r.token(store.Token{Name: "kept", Kind: store.TokenAPI, Admin: true})
	r.want("token:kept", home, "Bearer "+kept)
	r.store.fail(errors.New("disk on fire"))
	r.pass(cacheTime)
	r.want("token:kept", home, "Bearer "+kept)
	r.Invalidate()
	r.want("failed", home, "Bearer "+kept)
	r.store.fail(nil)
	r.want("token:kept", home, "Bearer "+kept)
}

// Again follows users too.
func TestAgain(t *testing.T) {
	r := newRig(t)
	r.user("ann", "a", "")
	ann, err := r.Password(t.Context(), home, "ann", "a")
	if err != nil || ann.Admin {
		t.Fatalf("%+v, %v", ann, err)
	}
	r.group(store.UserGroup{UserGroup: "admins", GroupMembers: []string{"ann"}, Admin: true})
	if now, err := r.Again(t.Context(), ann); err != nil || !now.Admin || now.Name != "ann" {
		t.Errorf("with other rights: %+v, %v", now, err)
	}
	if err := r.store.Users().Delete(t.Context(), "ann"); err != nil {
		t.Fatal(err)
	}
	r.Invalidate()
	if now, err := r.Again(t.Context(), ann); !errors.Is(err, auth.ErrDenied) {
		t.Errorf("deleted: %+v, %v", now, err)
	}
	root, err := r.Token(t.Context(), home, adminToken)
	if err != nil {
		t.Fatal(err)
	}
	if now, err := r.Again(t.Context(), root); err != nil || now != root {
		t.Errorf("the local admin: %+v, %v", now, err)
	}
}

// Neither log nor error tells a secret.
func TestRefusedTokensAreNotTold(t *testing.T) {
	r := newRig(t)
	shown := token.New(token.Pin{})
	request := httptest.NewRequestWithContext(context.Background(), "GET", "/", nil)
	request.Header.Set("Authorization", "Bearer "+shown.Text())
	_, err := r.REST(request)
	if err == nil || !strings.Contains(err.Error(), shown.ID) || strings.Contains(err.Error()+r.log.String(), shown.Secret()) {
		t.Errorf("error %v, log %s", err, r.log)
	}
}
