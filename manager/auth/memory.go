package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

const (
	// verifiedFor is how long credentials count as verified before bcrypt is asked again.
	verifiedFor = 5 * time.Minute
	// cacheSize is how many entries each of the caches has at most.
	cacheSize = 1 << 14
)

// A key stands for credentials, or for who shows them. Nobody without the process's random key can tell
// which, nor try.
type key [sha256.Size]byte

// keys makes [key]s.
type keys struct{ secret []byte }

func newKeys() keys {
	k := keys{make([]byte, sha256.Size)}
	_, _ = rand.Read(k.secret) // never fails
	return k
}

func (k keys) of(parts ...string) (sum key) {
	mac := hmac.New(sha256.New, k.secret)
	for _, p := range parts {
		mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(p))))
		mac.Write([]byte(p))
	}
	mac.Sum(sum[:0])
	return sum
}

// A memory is what is known of credentials that were shown. All of it is bounded, and none of it counts
// any more when what it was found out from has changed.
type memory struct {
	// verified are right ones, by credential.
	verified *lru.Cache[key, proof]
	// refused are wrong ones, by credential.
	refused *lru.Cache[key, refusal]
	// trusted are right ones by credential and address: guesses of others do not slow these down.
	trusted *lru.Cache[key, struct{}]
}

// A proof is that a credential matched the hash of a user's password or token.
type proof struct {
	user, hash string
	until      time.Time
}

// A refusal is that a credential did not match the first so many of the hashes that against stands for.
type refusal struct {
	against string
	tried   int
	// wrong says that these were all of them.
	wrong bool
}

func newMemory() memory {
	return memory{newCache[proof](), newCache[refusal](), newCache[struct{}]()}
}

func newCache[V any]() *lru.Cache[key, V] {
	cache, err := lru.New[key, V](cacheSize)
	if err != nil {
		panic(err) // of a size that is not positive
	}
	return cache
}

// trusts reports whether the credential has been right from the same address before.
func (m memory) trusts(at attempt) bool {
	_, ok := m.trusted.Get(at.from)
	return ok
}

func (m memory) trust(at attempt) {
	if !m.trusted.Contains(at.from) {
		m.trusted.Add(at.from, struct{}{})
	}
}
