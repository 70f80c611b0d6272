package client_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"muster/manager/api/apitest"
	"muster/manager/client"
)

func TestAuthoritiesOfAManager(t *testing.T) {
	ctx := t.Context()
	server := apitest.Start(t)
	c := connect(t, server.URL, nil)
	all, err := c.Authorities(ctx)
	if err != nil || len(all) != 1 || all[0].ID != "1" || !all[0].Issues || all[0].Retired != nil {
		t.Fatalf("%+v, %v", all, err)
	}
	made, err := c.RollAuthority(ctx)
	if err != nil || made.ID != "2" || made.By != apitest.User || made.Cross == "" {
		t.Fatalf("%+v, %v", made, err)
	}
	if one, devices, err := c.Authority(ctx, "1"); err != nil || devices != 0 || one.Certificate != all[0].Certificate {
		t.Errorf("%+v, %d, %v", one, devices, err)
	}
	var refused *client.Error
	if _, err := c.RetireAuthority(ctx, "1", false); !errors.As(err, &refused) || refused.Status != 409 || !strings.Contains(err.Error(), "locked out") {
		t.Errorf("at once: %v", err)
	}
	if retired, err := c.RetireAuthority(ctx, "1", true); err != nil || retired.Retired == nil {
		t.Errorf("%+v, %v", retired, err)
	}
	if _, err := c.RetireAuthority(ctx, "3", true); !errors.Is(err, client.ErrNotFound) {
		t.Errorf("one that is not there: %v", err)
	}
	if _, _, err := c.Authority(ctx, "3"); !errors.Is(err, client.ErrNotFound) {
		t.Errorf("one that is not there: %v", err)
	}
	if crl, err := c.CRL(ctx, 48*time.Hour); err != nil || strings.Count(crl, "BEGIN X509 CRL") != 1 {
		t.Errorf("%s, %v", crl, err)
	}
}
