package identity_test

import (
	"testing"
	"time"

	"muster/broker/client/network"
	"muster/topics"
	"muster/worker/identity"
)

// Managers who name a broker where there is none do not lose the device: the one of its settings is tried as well.
func TestABrokerThatIsNotThere(t *testing.T) {
	m := newManager(t)
	m.always(func(r *topics.CertificateReply) { r.BrokerURL = "mqtts://127.0.0.1:1" })
	d := m.device(t.TempDir())
	if err := d.Enroll(within(t)); err != nil {
		t.Fatal(err)
	}
	if i, _ := d.Identity(); i.BrokerURL != "mqtts://127.0.0.1:1" {
		t.Fatalf("it was told %q", i.BrokerURL)
	}
	c := d.connect(t, "mqtts://broker.invalid")
	eventually(t, "the device is connected", c.Connected)
}

// A device that takes its certificate for one that has expired, and that nobody renews, still tries it.
func TestACertificateThatIsNotRenewedIsTried(t *testing.T) {
	m, d := enrolled(t, time.Second)
	m.set(func() {
		m.answer = func(topics.Kind, topics.CertificateRequest) *topics.CertificateReply {
			return &topics.CertificateReply{State: topics.Refused, Error: "not now"}
		}
	})
	eventually(t, "the certificate has expired", d.Expired)
	c := d.connect(t, m.url())
	eventually(t, "the device is connected", c.Connected)
	if len(m.asked()) < 2 {
		t.Error("it has not tried to renew the certificate first")
	}
}

// Where to connect, and that nothing is shown there but the certificate.
func TestWhereADeviceConnects(t *testing.T) {
	m := newManager(t)
	m.always(func(r *topics.CertificateReply) { r.BrokerURL = "mqtts://told.example" })
	dir := t.TempDir()
	if err := m.device(dir).Enroll(within(t)); err != nil {
		t.Fatal(err)
	}
	for setting, want := range map[string]string{
		m.url(): "mqtts://told.example", "": "mqtts://told.example", "mqtts://new.example": "mqtts://new.example",
	} {
		d := m.device(dir, func(o *identity.Options) { o.Given.BrokerURL = setting })
		o := network.Options{URL: "mqtts://broker.invalid", Username: "d", Password: []byte("secret")}
		if err := d.Prepare(t.Context(), &o, nil); err != nil || o.URL != want {
			t.Errorf("with the setting %q: %q, %v, want %q", setting, o.URL, err, want)
		}
		if o.Username != "" || len(o.Password) > 0 || o.TLS == nil {
			t.Errorf("with the setting %q it shows a user %q and a password", setting, o.Username)
		}
	}
}
