package auth

import (
	"context"
	"encoding/binary"
	"fmt"
)

// An attempt is credentials that somebody shows, and what they are to be held against.
type attempt struct {
	secret string
	// cred stands for the credentials, address for where they come from, and from for both.
	cred, address, from key
	// search says that the candidates are all who might have the secret.
	search bool
	// limits are who is slowed down when the credentials are wrong.
	limits []limit
	// wrong says in a refusal what is wrong.
	wrong string
	// hashOf is the hash of an account that the secret must match.
	hashOf func(*account) string
	// candidates are tried in turn. The same credentials and the same against have the same outcome.
	candidates []candidate
	against    string
}

// A candidate is a hash, and whose it is. Nobody's hash is matched in vain: it is there for the time it takes.
type candidate struct {
	owner *account
	hash  string
}

func (a *Authenticator) basicAttempt(v *view, from, user, password string) attempt {
	at := a.attempt("basic", from, user, password)
	at.hashOf = passwordOf
	at.limits = append(at.limits, limit{a.byName, a.keys.of("name", user)})
	at.wrong = wrongLogin(user)
	if owner := v.users[user]; owner != nil && owner.password != "" {
		at.candidates, at.against = []candidate{{owner, owner.password}}, owner.password
		return at
	}
	// Whoever does not exist takes as long as somebody who does, and always the same one.
	hash := nobodysHash
	if len(v.passwords) > 0 {
		pick := a.keys.of("nobody", user)
		hash = v.passwords[binary.BigEndian.Uint64(pick[:])%uint64(len(v.passwords))]
	}
	at.candidates = []candidate{{nil, hash}}
	return at
}

// wrongLogin says as whom somebody came in vain.
func wrongLogin(user string) string { return fmt.Sprintf("wrong user or password for %.80q", user) }

func (a *Authenticator) bearerAttempt(v *view, from, token string) attempt {
	at := a.attempt("bearer", from, "", token)
	at.hashOf = tokenOf
	at.wrong = "wrong token"
	owners := v.unselected
	if selector := selectorIn(token); selector != "" {
		owners = v.selected[selector]
		for _, owner := range owners {
			at.against += owner.token
		}
	} else {
		at.search, at.against = true, v.unselectedAre
	}
	for _, owner := range owners {
		at.candidates = append(at.candidates, candidate{owner, owner.token})
	}
	if len(owners) == 0 {
		at.candidates = []candidate{{}} // selectors are no secret: no need to take time
	}
	return at
}

func (a *Authenticator) attempt(scheme, from, user, secret string) attempt {
	cred, address := a.keys.of(scheme, user, secret), a.keys.of("address", from)
	return attempt{
		secret: secret, cred: cred, address: address, from: a.keys.of("from", from, string(cred[:])),
		limits: []limit{{a.byAddr, address}},
	}
}

// identify tells whose credentials these are.
func (a *Authenticator) identify(ctx context.Context, v *view, at attempt) (Identity, error) {
	if known, err := a.recall(v, at); known.fresh || err != nil {
		return known.identity(), err
	}
	done, err := a.turns.take(ctx, at.cred)
	if err != nil {
		return Identity{}, err
	}
	defer done()
	known, err := a.recall(v, at) // somebody else may have found out in the meantime
	if known.fresh || err != nil {
		return known.identity(), err
	}
	if known.owner != nil { // the likeliest, and what was right once is no guess
		right := false
		err := a.bench.work(ctx, func() error {
			right = matches(at.hashOf(known.owner), at.secret)
			return nil
		})
		if err != nil {
			return Identity{}, err
		}
		if right {
			return a.right(at, known.owner), nil
		}
	}
	owner, err := a.find(ctx, at)
	if err != nil {
		return Identity{}, err
	}
	return a.right(at, owner), nil
}

// What is known of credentials: whose they are, or, when that is not fresh, whose they were last.
type known struct {
	owner *account
	fresh bool
}

func (k known) identity() Identity {
	if !k.fresh {
		return Identity{}
	}
	return k.owner.identity
}

// recall is what the memory says. It fails when the credentials are known to be wrong or must wait.
func (a *Authenticator) recall(v *view, at attempt) (known, error) {
	last, ok := a.memory.verified.Get(at.cred)
	owner := v.users[last.user]
	if ok && owner != nil && at.hashOf(owner) == last.hash {
		now := a.now()
		if !a.memory.trusts(at) {
			if err := mustWait(now, at.limits); err != nil {
				return known{}, err
			}
			a.memory.trust(at)
		}
		return known{owner, now.Before(last.until)}, nil
	}
	if r, ok := a.memory.refused.Get(at.cred); ok && r.wrong && r.against == at.against {
		return known{}, at.denied()
	}
	if owner != nil && at.hashOf(owner) == "" {
		owner = nil
	}
	return known{owner: owner}, nil
}

// find tries the candidates, from where an attempt with the same credentials was broken off. Searches from one address
// wait for each other, and those from several take turns at every candidate: whoever has many wrong tokens holds up
// nobody elsewhere, and all searches together leave the other processors to those who are found at once.
func (a *Authenticator) find(ctx context.Context, at attempt) (*account, error) {
	bench := a.bench
	if at.search {
		done, err := a.turns.take(ctx, at.address)
		if err != nil {
			return nil, err
		}
		defer done()
		bench = a.searches
	}
	r, _ := a.memory.refused.Get(at.cred)
	if r.against != at.against {
		r = refusal{against: at.against}
	}
	for r.tried < len(at.candidates) {
		if err := mustWait(a.now(), at.limits); err != nil {
			return nil, err
		}
		c := at.candidates[r.tried]
		right := false
		err := bench.work(ctx, func() error {
			// Those who had the processor before may have been the last that were not too many.
			if err := mustWait(a.now(), at.limits); err != nil {
				return err
			}
			right = matches(c.hash, at.secret) && c.owner != nil
			if r.tried++; !right && r.tried == len(at.candidates) {
				r.wrong = true
				a.refuse(at, r)
			}
			return nil
		})
		if right {
			return c.owner, nil
		}
		if err != nil {
			if ctx.Err() != nil && r.tried > 0 {
				a.refuse(at, r)
			}
			return nil, err
		}
	}
	return nil, at.denied()
}

// right remembers that the credentials are the owner's.
func (a *Authenticator) right(at attempt, owner *account) Identity {
	a.memory.verified.Add(at.cred, proof{owner.identity.Name, at.hashOf(owner), a.now().Add(verifiedFor)})
	a.memory.trust(at)
	return owner.identity
}

// refuse remembers that the credentials are wrong as far as r says, and counts the guess, once.
func (a *Authenticator) refuse(at attempt, r refusal) {
	earlier, ok := a.memory.refused.Get(at.cred)
	a.memory.refused.Add(at.cred, r)
	if ok && earlier.against == r.against {
		return
	}
	now := a.now()
	for _, l := range at.limits {
		l.slowdown.wrong(now, l.about)
	}
}

func (at attempt) denied() error { return fmt.Errorf("%w: %s", ErrDenied, at.wrong) }
