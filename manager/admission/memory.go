package admission

import (
	"crypto/sha256"
	"crypto/subtle"
	"unique"

	lru "github.com/hashicorp/golang-lru/v2"

	"muster/manager/store"
)

// rememberedDevices is how many identities are remembered: those of all devices that may be connected to one broker.
const rememberedDevices = 200_000

// A known is what the store last said of a device's identity, in short.
type known struct {
	// state is empty for a device without an identity, which the password of all devices has let in.
	state store.IdentityState
	group unique.Handle[string]
	// key and secret are digests of the identity's; zero when it has none.
	key, secret [sha256.Size]byte
}

func knownOf(i store.Identity) known {
	k := known{state: i.State, group: unique.Make(i.DeviceGroup)}
	if len(i.PublicKey) > 0 {
		k.key = sha256.Sum256(i.PublicKey)
	}
	copy(k.secret[:], i.SecretHash)
	return k
}

// hasKey reports whether the identity has that public key.
func (k known) hasKey(der []byte) bool {
	sum := sha256.Sum256(der)
	return k.key != [sha256.Size]byte{} && sum == k.key
}

// differs reports whether who was let in by the one would not be by the other in the same way.
func (k known) differs(earlier known) bool {
	return k.group != earlier.group || k.key != earlier.key || k.secret != earlier.secret
}

// newMemory has the identities of those who connected last. It decides nothing while the store answers.
func newMemory() *lru.Cache[string, known] {
	devices, err := lru.New[string, known](rememberedDevices)
	if err != nil {
		panic(err) // of a size that is not positive
	}
	return devices
}

// A secret is kept as its digest, so that comparing takes the same time whatever the length of what is compared, and a stray %v
// prints nothing of use.
type secret struct {
	set    bool
	digest [sha256.Size]byte
}

func newSecret(s string) secret { return secret{s != "", sha256.Sum256([]byte(s))} }

func (s secret) matches(given []byte) bool {
	digest := sha256.Sum256(given)
	return subtle.ConstantTimeCompare(s.digest[:], digest[:]) == 1 && s.set
}
