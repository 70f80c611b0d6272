package broker

import (
	"errors"
	"log/slog"
	"testing"

	"muster/topics"
)

// authenticate knows people by their username: "manager", "viewer", "local", and a device by any other
// name. The password is "secret", but for "local", who needs none on this machine.
func authenticate(l Login) (Identity, error) {
	if l.Username == "" && l.Loopback {
		return Identity{Role: topics.RoleLocal}, nil
	}
	if string(l.Password) != "secret" {
		return Identity{}, errors.New("wrong password")
	}
	switch l.Username {
	case "manager", "viewer":
		return Identity{Role: topics.Role(l.Username), Name: l.Username}, nil
	}
	return Identity{Role: topics.RoleDevice, Name: l.Username}, nil
}

// listen starts a guarded broker that ends with the test.
func listen(t testing.TB, change func(*Options)) *Server {
	t.Helper()
	o := Options{Root: topics.DefaultRoot, Authenticate: authenticate, Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))}
	if change != nil {
		change(&o)
	}
	s, err := Listen(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
