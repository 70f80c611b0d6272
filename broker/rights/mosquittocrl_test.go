package rights

import (
	"crypto/tls"
	"slices"
	"testing"
	"time"

	"muster/topics"
)

// relist gives a Mosquitto another list of revoked certificates, and has it reload.
func (r *real) relist(lists ...[]byte) {
	r.t.Helper()
	r.write("crl.pem", slices.Concat(lists...))
	r.broker.Reload()
}

// wantIn waits until the device is let in, or refused.
func (r *real) wantIn(login string, want bool) {
	r.t.Helper()
	var err error
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		var l *link
		if l, _, err = r.open(login, login, nil); (err == nil) == want {
			if l != nil {
				_ = l.conn.Close()
			}
			return
		}
	}
	r.t.Errorf("%s is let in: %v, want %v: %v", login, !want, want, err)
}

// A list that has ended lets nobody in who is not there already, until there is a new one. A reload is enough for that, and for who is on it.
func TestMosquittoRevocationListEnds(t *testing.T) {
	r := newReal(t, "mosquitto")
	stays := r.as("till-1")
	r.relist(r.authority.crl(-time.Minute))
	r.wantIn("till-11", false)
	r.relist(r.authority.crl(time.Hour))
	r.wantIn("till-11", true)
	r.relist(r.authority.crl(time.Hour, r.certificates["till-11"]))
	r.wantIn("till-11", false)
	if code := stays.publish(root.Topic(topics.DeviceCheckin, "till-1"), "x"); code >= 0x80 {
		t.Errorf("PUBACK %#x", code)
	}
}

// Whoever was there before a list named them does not come back by the TLS session that they had.
func TestMosquittoRevokedSession(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		r := newReal(t, "mosquitto")
		config := r.tls(r.certificates["till-11"])
		config.ClientSessionCache, config.MaxVersion = tls.NewLRUClientSessionCache(1), version
		for _, resumed := range []bool{false, true} {
			l, code, err := r.dial(r.devices, config, "till-11", nil)
			if err != nil || code != 0 || l.conn.(*tls.Conn).ConnectionState().DidResume != resumed {
				t.Fatalf("TLS %#x, resumed %v: CONNACK %#x, %v", version, resumed, code, err)
			}
			l.publish(root.Topic(topics.DeviceCheckin, "till-11"), "x") // the tickets come before its answer
		}
		r.relist(r.authority.crl(time.Hour, r.certificates["till-11"]))
		r.wantIn("till-11", false)
		if _, code, err := r.dial(r.devices, config, "till-11", nil); err == nil {
			t.Errorf("TLS %#x: CONNACK %#x", version, code)
		}
	}
}

// The certificates of an authority without a list are refused: after a roll-over there must be another list for the new one.
func TestMosquittoRevocationListOfEachAuthority(t *testing.T) {
	r := newReal(t, "mosquitto")
	next := newAuthority(t, "next")
	before, _ := encoded(t, tls.Certificate{Certificate: [][]byte{r.authority.cert.Raw}, PrivateKey: r.authority.key})
	after, _ := encoded(t, tls.Certificate{Certificate: [][]byte{next.cert.Raw}, PrivateKey: next.key})
	r.certificates["till-9"] = next.of("till-9")
	r.write("ca.pem", slices.Concat(before, after))
	r.broker.Reload()
	r.wantIn("till-1", true)
	r.wantIn("till-9", false)
	r.relist(r.authority.crl(time.Hour), next.crl(time.Hour))
	r.wantIn("till-9", true)
	r.relist(r.authority.crl(time.Hour), next.crl(time.Hour, r.certificates["till-9"]))
	r.wantIn("till-9", false)
	r.wantIn("till-1", true)
}
