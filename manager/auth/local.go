package auth

// adminAttempt is one at the local admin's password.
func (a *Authenticator) adminAttempt(from, user, password string) attempt {
	at := a.attempt("basic", from, user, password)
	at.limits = append(at.limits, limit{a.byName, a.keys.of("local admin", from)})
	at.wrong = "wrong user or password"
	return at
}

// localAdmin lets the local admin in, whose secret was found to be right or wrong already. The store plays
// no part. Guesses of others never slow the admin down: they are counted by the address they come from.
func (a *Authenticator) localAdmin(at attempt, right bool) (Identity, error) {
	if right && a.memory.trusts(at) {
		return a.admin(), nil
	}
	const against = "local admin"
	if r, ok := a.memory.refused.Get(at.cred); !right && ok && r.against == against {
		return Identity{}, at.denied()
	}
	if err := mustWait(a.now(), at.limits); err != nil {
		return Identity{}, err
	}
	if right {
		a.memory.trust(at)
		return a.admin(), nil
	}
	a.refuse(at, refusal{against: against, wrong: true})
	return Identity{}, at.denied()
}

func (a *Authenticator) admin() Identity {
	if a.adminUser == "" {
		return Identity{Name: tokenUser, Admin: true}
	}
	return Identity{Name: a.adminUser, Admin: true}
}

// Reserved reports whether no user of the database can have that name, because the local admin has it.
func (a *Authenticator) Reserved(name string) bool { return name == a.admin().Name }
