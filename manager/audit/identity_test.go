package audit

import (
	"bytes"
	"testing"

	"muster/manager/store"
)

func TestIdentityWithoutItsSecret(t *testing.T) {
	i := store.Identity{Device: "d1", State: store.IdentityActive, PublicKey: []byte("public"), SecretHash: []byte("secret")}
	shown, fields, err := show(i)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(shown, []byte("secret_hash")) || !bytes.Contains(shown, []byte("public_key")) {
		t.Errorf("shown is %s", shown)
	}
	if fields["secret_hash"] == nil {
		t.Errorf("a secret that changes is not seen to: %v", fields)
	}
	if string(i.SecretHash) != "secret" {
		t.Error("the identity itself has lost its secret")
	}
}
