package admission_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	"golang.org/x/crypto/bcrypt"

	"muster/broker"
	"muster/broker/client"
	"muster/manager/admission"
	"muster/manager/auth"
	"muster/manager/certificate"
	"muster/manager/store"
	"muster/manager/store/sqlite"
	"muster/test/logs"
	"muster/topics"
)

const (
	adminName, adminPass = "root", "adm1n-secret"
	devicesPass          = "dev1ces-secret"
	patience             = 20 * time.Second
)

// A rig is a manager's broker with the gate, a store and listeners with TLS and without.
type rig struct {
	t      testing.TB
	store  store.Store // followed by the gate
	behind *failing    // below it, as another manager has it
	ca     *authority
	gate   *admission.Gate
	server *broker.Server
	log    *logs.Buffer
}

// failing is a store that fails when it is told to.
type failing struct {
	store.Store
	broken atomic.Bool
}

var errBroken = errors.New("disk on fire")

func (f *failing) Identities() store.Identities { return failingIdentities{f.Store.Identities(), f} }

type failingIdentities struct {
	store.Identities
	f *failing
}

func (i failingIdentities) Get(ctx context.Context, device string) (store.Identity, error) {
	if i.f.broken.Load() {
		return store.Identity{}, errBroken
	}
	return i.Identities.Get(ctx, device)
}

func (i failingIdentities) ChangedSince(ctx context.Context, since time.Time, after string, limit int) ([]store.Identity, error) {
	if i.f.broken.Load() {
		return nil, errBroken
	}
	return i.Identities.ChangedSince(ctx, since, after, limit)
}

func newRig(t testing.TB) *rig {
	return newRigAt(t, filepath.Join(t.TempDir(), "muster.db"), newAuthority(t))
}

// newRigAt starts a manager on a store that may be there already. It ends with the test.
func newRigAt(t testing.TB, path string, ca *authority) *rig {
	t.Helper()
	opened, err := sqlite.Open(t.Context(), sqlite.Options{Path: path, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := opened.Close(); err != nil {
			t.Error(err)
		}
	})
	r := &rig{t: t, behind: &failing{Store: opened}, ca: ca, log: &logs.Buffer{}}
	people, err := auth.New(auth.Config{
		AdminUser: adminName, AdminPassword: adminPass, Users: r.behind, CacheTime: 20 * time.Millisecond, Log: r.log.Logger(), Cost: bcrypt.MinCost,
	})
	if err != nil {
		t.Fatal(err)
	}
	r.gate, err = admission.New(admission.Options{
		Identities: r.behind.Identities(), Tokens: r.behind.Tokens(), Authorities: ca, People: people, DevicePassword: devicesPass,
		Events: opened.Devices(), Grace: time.Hour, CacheTime: 20 * time.Millisecond, Log: r.log.Logger(),
	})
	if err != nil {
		t.Fatal(err)
	}
	r.store = r.gate.Store(r.behind)
	r.server, err = broker.Listen(broker.Options{
		Root: topics.DefaultRoot, TCPAddr: "0.0.0.0:0", TLSAddr: "0.0.0.0:0", TLS: certificate.AskDevices(ca.server(t), r.gate.CheckCertificate), Authenticate: r.gate.Authenticate, TakenOver: r.gate.TakenOver, Log: r.log.Logger(),
	})
	if err != nil {
		t.Fatal(err)
	}
	r.gate.Guard(r.server, func(device string) string { return map[string]string{"guest": "screens"}[device] })
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.gate.Run(ctx)
	}()
	t.Cleanup(func() {
		stop()
		<-done
		if err := r.server.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("log:\n%s", r.log)
		}
	})
	return r
}

// identity keeps one that is active, unless change says otherwise.
func (r *rig) identity(device, group string, key *ecdsa.PrivateKey, change ...func(*store.Identity)) {
	r.t.Helper()
	i := store.Identity{Device: device, DeviceGroup: group, State: store.IdentityActive}
	if key != nil {
		i.PublicKey = publicKey(r.t, key)
	}
	for _, f := range change {
		f(&i)
	}
	if _, err := r.store.Identities().Create(r.t.Context(), i); err != nil {
		r.t.Fatal(err)
	}
}

// in sets the state of a device's identity by way of a store.
func (r *rig) in(s store.Store, device string, change func(*store.Identity)) {
	r.t.Helper()
	_, err := s.Identities().Modify(r.t.Context(), device, func(i *store.Identity) error {
		change(i)
		return nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

func revoke(i *store.Identity) { i.State = store.IdentityRevoked }

// A shown is what a client shows.
type shown struct {
	id, user, password string
	certificate        *tls.Certificate
	plain              bool
}

// A session is a connection that was let in.
type session struct {
	*paho.Client
	t    testing.TB
	gone chan byte // the reason of the end
	got  chan *paho.Publish
}

// dial connects, and gives the reason code of the refusal, 0 when it was let in. An error is of the handshake.
func (r *rig) dial(s shown) (*session, byte, error) {
	r.t.Helper()
	var nc net.Conn
	var err error
	if s.plain {
		nc, err = net.Dial("tcp", local(r.server.TCPAddr()))
	} else {
		config := &tls.Config{RootCAs: r.ca.pool(), ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12}
		if s.certificate != nil {
			config.Certificates = []tls.Certificate{*s.certificate}
		}
		nc, err = tls.Dial("tcp", local(r.server.TLSAddr()), config)
	}
	if err != nil {
		return nil, 0, err
	}
	r.t.Cleanup(func() { _ = nc.Close() })
	in := &session{t: r.t, gone: make(chan byte, 1), got: make(chan *paho.Publish, 100)}
	in.Client = paho.NewClient(paho.ClientConfig{
		ClientID: s.id, Conn: packets.NewThreadSafeConn(nc), OnServerDisconnect: func(d *paho.Disconnect) { in.gone <- d.ReasonCode },
		OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(p paho.PublishReceived) (bool, error) {
			in.got <- p.Packet
			return true, nil
		}},
	})
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	ack, err := in.Connect(ctx, &paho.Connect{
		ClientID: s.id, CleanStart: true, KeepAlive: 30, Username: s.user, UsernameFlag: s.user != "", Password: []byte(s.password), PasswordFlag: s.password != "",
	})
	switch {
	case ack != nil && ack.ReasonCode != 0:
		return nil, ack.ReasonCode, nil
	case err != nil:
		return nil, 0, err
	}
	return in, 0, nil
}

func local(a net.Addr) string { return fmt.Sprintf("127.0.0.1:%d", a.(*net.TCPAddr).Port) }

// mustDial is let in.
func (r *rig) mustDial(s shown) *session {
	r.t.Helper()
	in, code, err := r.dial(s)
	if err != nil || code != 0 {
		r.t.Fatalf("%q is not let in: %#x, %v", s.id, code, err)
	}
	return in
}

// wantGone waits until the session was ended for that reason.
func (s *session) wantGone(reason byte) {
	s.t.Helper()
	select {
	case got := <-s.gone:
		if got != reason {
			s.t.Errorf("%s was told %#x, want %#x", s.ClientID(), got, reason)
		}
	case <-time.After(patience):
		s.t.Errorf("%s stays connected", s.ClientID())
	}
}

// wantHere makes sure that the session goes on.
func (s *session) wantHere() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	if _, err := s.Unsubscribe(ctx, &paho.Unsubscribe{Topics: []string{"any"}}); err != nil {
		s.t.Errorf("%s is not connected any more: %v", s.ClientID(), err)
	}
}

// maySubscribe reports whether a subscription is granted.
func (s *session) maySubscribe(filter string) bool {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	ack, err := s.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: filter}}})
	if ack == nil {
		s.t.Fatalf("subscribe to %s: %v", filter, err)
	}
	return ack.Reasons[0] < 0x80
}

// mayPublish reports whether a message is taken.
func (s *session) mayPublish(topic string) bool {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	ack, err := s.Publish(ctx, &paho.Publish{Topic: topic, QoS: 1, Payload: []byte("x")})
	if ack == nil {
		s.t.Fatalf("publish to %s: %v", topic, err)
	}
	return ack.ReasonCode < 0x80
}

// eventually waits until ok.
func (r *rig) eventually(what string, ok func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

func topic(kind topics.Kind, name string) string { return topics.DefaultRoot.Topic(kind, name) }

func publicKey(t testing.TB, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// publish publishes as the manager does.
func (r *rig) publish(c client.Client, to string) {
	r.t.Helper()
	if err := c.Publish(r.t.Context(), client.Message{Topic: to, Payload: []byte("x"), QoS: 1}); err != nil {
		r.t.Fatal(err)
	}
}
