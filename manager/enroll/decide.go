package enroll

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"muster/manager/store"
	"muster/topics"
	"muster/topics/token"
)

func (d *Desk) enroll(ctx context.Context, device string, r topics.CertificateRequest, t store.Token) (topics.CertificateReply, error) {
	c, err := parseRequest(device, r)
	if err != nil {
		return topics.CertificateReply{}, err
	}
	i, err := d.identify(ctx, c, r, t)
	if err != nil {
		return topics.CertificateReply{}, err
	}
	if !bytes.Equal(i.PublicKey, c.publicKey) && d.refused.exhausted(token.EnrollUser(t.ID)) {
		return topics.CertificateReply{}, errBusy
	}
	if i.TokenID != t.ID {
		if i.DeviceGroup != t.DeviceGroup {
			return topics.CertificateReply{}, refuse("the device has an identity in another device_group: an admin has to delete the device first")
		}
		if err := checkToken(t, device, time.Now()); err != nil {
			return topics.CertificateReply{}, err
		}
	}
	return d.answer(ctx, i, c, store.EventEnrolled)
}

func (d *Desk) renew(ctx context.Context, device string, r topics.CertificateRequest) (topics.CertificateReply, error) {
	c, err := parseRequest(device, r)
	if err != nil {
		return topics.CertificateReply{}, err
	}
	i, err := d.o.Identities.Get(ctx, device)
	if errors.Is(err, store.ErrNotFound) {
		return topics.CertificateReply{}, refuse("the device has no identity")
	}
	if err != nil {
		return topics.CertificateReply{}, err
	}
	return d.answer(ctx, i, c, store.EventRenewed)
}

// identify is the identity of the device, which is made if there is none.
func (d *Desk) identify(ctx context.Context, c csr, r topics.CertificateRequest, t store.Token) (store.Identity, error) {
	i, err := d.o.Identities.Get(ctx, c.device)
	if !errors.Is(err, store.ErrNotFound) {
		return i, err
	}
	// Devices repeat themselves, and the use for one must not be taken once more when it is not in Taking any more.
	turn := d.turns.of(c.device)
	turn.Lock()
	defer turn.Unlock()
	i, err = d.o.Identities.Get(ctx, c.device)
	if !errors.Is(err, store.ErrNotFound) {
		return i, err
	}
	if d.refused.exhausted(token.EnrollUser(t.ID)) {
		return store.Identity{}, errBusy
	}
	i, err = d.create(ctx, c, r, t)
	if errors.Is(err, store.ErrExists) {
		// Another manager was asked the same at the same time, or two want to be one device.
		return d.o.Identities.Get(ctx, c.device)
	}
	return i, err
}

// parseRequest reads what a device asks for, if it may ask for that.
func parseRequest(device string, r topics.CertificateRequest) (csr, error) {
	c, err := parseCSR(r.CSR)
	if err == nil && c.device != device {
		err = badCSR("common name: must be the device that asks, %q, is %q", device, c.device)
	}
	return c, err
}

// answer is what the identity comes to for whoever has signed the request.
func (d *Desk) answer(ctx context.Context, i store.Identity, c csr, event string) (topics.CertificateReply, error) {
	if err := d.standing(ctx, i, c); err != nil {
		return topics.CertificateReply{}, err
	}
	if i.State == store.IdentityPending {
		d.tell(ctx, i, store.EventPending, fmt.Sprintf("asks for a certificate with token %s: an admin has to approve of it", i.TokenID), once)
		return topics.CertificateReply{State: topics.Pending}, nil
	}
	return d.issue(ctx, c, event)
}

// standing reports why the identity is not that of whoever has the key, or of no use.
func (d *Desk) standing(ctx context.Context, i store.Identity, c csr) error {
	switch {
	case i.State == store.IdentityRevoked:
		return refuse("the device was shut out by an admin")
	case !bytes.Equal(i.PublicKey, c.publicKey):
		d.tell(ctx, i, store.EventRefused, "somebody with another key asked for a certificate of this device", quiet)
		return refuse("the device has an identity with another key: an admin has to delete the device first")
	}
	return nil
}

// create takes a use of the token and makes the identity. It fails with [store.ErrExists] when there is one.
func (d *Desk) create(ctx context.Context, c csr, r topics.CertificateRequest, t store.Token) (store.Identity, error) {
	now := time.Now().UTC().Truncate(time.Millisecond)
	if err := d.takeUse(ctx, t.ID, c.device, now); err != nil {
		return store.Identity{}, err
	}
	i := store.Identity{
		Device: c.device, DeviceGroup: t.DeviceGroup, State: store.IdentityActive, PublicKey: c.publicKey, TokenID: t.ID,
		Requested: now, By: token.EnrollUser(t.ID),
	}
	if t.Approve {
		i.State = store.IdentityPending
	}
	i, err := d.o.Identities.Create(ctx, i)
	if err != nil {
		return store.Identity{}, err
	}
	d.o.Changed(i)
	d.trail.note(ctx, change{by: i.By, requestID: r.RequestID, action: "enroll", after: i})
	return i, nil
}

// issue gives the device a certificate, and what it has to know with it. By the time the certificate is out the store knows of it.
func (d *Desk) issue(ctx context.Context, c csr, event string) (topics.CertificateReply, error) {
	if d.issued.exhausted(c.device) {
		return topics.CertificateReply{}, errBusy
	}
	d.issued.count(c.device)
	certificate, issued, err := d.o.Authority.IssueDevice(c.device, c.key, d.o.Life)
	if err != nil {
		return topics.CertificateReply{}, fmt.Errorf("issue a certificate: %w", err)
	}
	i, err := d.o.Identities.Modify(ctx, c.device, func(i *store.Identity) error {
		if i.State != store.IdentityActive || !bytes.Equal(i.PublicKey, c.publicKey) {
			return errBusy // it was changed just now
		}
		i.Certificates = append([]store.IssuedCertificate{issued}, i.Certificates...)
		i.Certificates = i.Certificates[:min(len(i.Certificates), store.MaxCertificates)]
		return nil
	})
	if errors.Is(err, store.ErrNotFound) {
		err = errBusy
	}
	if err != nil {
		return topics.CertificateReply{}, err
	}
	d.o.Changed(i)
	d.tell(ctx, i, event, fmt.Sprintf("certificate %s, good until %s", issued.Serial, issued.NotAfter.UTC().Format(time.RFC3339)), quiet)
	return topics.CertificateReply{
		State: topics.Issued, DeviceGroup: i.DeviceGroup, Certificate: certificate, Authorities: d.o.Authority.Roots(),
		RenewIn: max(1, int64((time.Until(issued.NotAfter) * 2 / 3).Seconds())), BrokerURL: d.o.BrokerURL,
	}, nil
}
