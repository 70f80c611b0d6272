package attack

import (
	"testing"
	"time"
)

// forgers show certificates that Muster did not issue, or that say another name than their identity.
func forgers(t testing.TB, stolen forger) []row {
	strange := newForger(t)
	soon, long := inAnHour(), time.Now().AddDate(-1, -1, 0)
	shows := func(f forger, until time.Time, extensions string) func(a *attempt) string {
		return func(a *attempt) string {
			return a.login(hello{id: a.name, identity: identity{certificate: f.issue(a.t, a.name, until, extensions)}})
		}
	}
	return []row{
		{"a certificate of another authority of the same name", mqtt, shows(strange, soon, forClients), "alert: bad certificate", "certificate of"},
		{"a certificate that vouches for itself", mqtt, func(a *attempt) string {
			return a.login(hello{id: a.name, identity: identity{certificate: selfSigned(a.t, a.name)}})
		}, "alert: bad certificate", "certificate of"},
		{"a certificate that ended 13 months ago, made with the fleet's stolen key", mqtt, shows(stolen, long, forClients), "alert: bad certificate", "certificate of"},
		{"a certificate for servers, made with the fleet's stolen key", mqtt,
			shows(stolen, soon, "basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n"), "alert: bad certificate", "certificate of"},
		{"a certificate of nobody in the store, made with the fleet's stolen key", mqtt, shows(stolen, soon, forClients), "CONNACK 0x86", "no identity"},
	}
}

func inAnHour() time.Time { return time.Now().Add(time.Hour) }
