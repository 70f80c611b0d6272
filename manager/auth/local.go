package auth

// adminAttempt is one at the local admin's password.
func (a *Authenticator) adminAttempt(from, user, password string) attempt {
	at := a.attempt("basic", from, user, password)
	at.limits = append(at.limits, limit{a.byName, a.keys.of("local admin", from)})
	at.wrong = wrongLogin(user)
	return at
}

// Two kinds of credentials are refused without a hash of the store's that they are held against.
const (
	againstAdmin  = "local admin"
	againstTokens = "API tokens"
)

// localAdmin lets the local admin in, whose secret was found to be right or wrong already. The store plays
// no part. Guesses of others never slow the admin down: they are counted by the address they come from.
func (a *Authenticator) localAdmin(at attempt, right bool) (Identity, error) {
	if right && a.memory.trusts(at) {
		return a.admin(), nil
	}
	if !right {
		return Identity{}, a.wrong(at, againstAdmin)
	}
	if err := mustWait(a.now(), at.limits); err != nil {
		return Identity{}, err
	}
	a.memory.trust(at)
	return a.admin(), nil
}

// wrong is why credentials that are known to be wrong are refused. It counts them as a guess, once.
func (a *Authenticator) wrong(at attempt, against string) error {
	if r, ok := a.memory.refused.Get(at.cred); ok && r.against == against {
		return at.denied()
	}
	if err := mustWait(a.now(), at.limits); err != nil {
		return err
	}
	a.refuse(at, refusal{against: against, wrong: true})
	return at.denied()
}

func (a *Authenticator) admin() Identity {
	if a.adminUser == "" {
		return Identity{Name: tokenUser, Admin: true}
	}
	return Identity{Name: a.adminUser, Admin: true}
}

// Reserved reports whether no user of the database can have that name, because the local admin has it.
func (a *Authenticator) Reserved(name string) bool { return name == a.admin().Name }
