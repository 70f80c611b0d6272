package token_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"muster/topics"
	"muster/topics/token"
)

func TestTokensAreReadAsTheyWereMade(t *testing.T) {
	for _, pin := range []token.Pin{{}, token.PinOf([]byte("a key"))} {
		made := token.New(pin)
		if len(made.Text()) > topics.MaxToken {
			t.Errorf("a token has %d characters, at most %d fit a request", len(made.Text()), topics.MaxToken)
		}
		read, err := token.Parse(made.Text())
		if err != nil || read != made {
			t.Errorf("a token that was made is read as another, or not at all: %v", err)
		}
		if !token.Matches(made.Hash(), read.Secret()) {
			t.Error("its secret does not match its hash")
		}
	}
	if one, other := token.New(token.Pin{}), token.New(token.Pin{}); one.ID == other.ID || one.Secret() == other.Secret() {
		t.Error("two tokens are the same")
	}
}

func TestWhatIsNoToken(t *testing.T) {
	made := token.New(token.PinOf([]byte("a key")))
	text := made.Text()
	short := made.ID + "." + made.Secret()
	for _, bad := range []string{
		"", ".", "..", made.ID, made.ID + ".", text + ".", text + "A", text[1:], "A" + text, " " + text, text + "\n", short + ".",
		short + "A", short + ".AAAA", short + "." + token.Pin{}.String(), strings.ToLower(text), short[:len(short)-1] + "1", short[:len(short)-1] + "Ä",
		text[:len(text)-1], text[:len(text)-1] + "_", text[:len(text)-1] + "=", text[:len(text)-2] + "\n" + text[len(text)-2:], text + strings.Repeat("A", 1<<20),
	} {
		got, err := token.Parse(bad)
		if !errors.Is(err, token.ErrForm) || got != (token.Token{}) {
			t.Errorf("%.100q is read as a token, or its error is %v", bad, err)
		}
	}
}

func TestOnlyItsOwnSecretMatches(t *testing.T) {
	made := token.New(token.Pin{})
	for _, secret := range []string{"", made.Secret()[1:], made.Secret() + "A", token.New(token.Pin{}).Secret(), made.Text()} {
		if token.Matches(made.Hash(), secret) {
			t.Errorf("secret %q matches the hash of another", secret)
		}
	}
	if token.Matches(nil, "") || token.Matches(nil, made.Secret()) {
		t.Error("a row without a hash lets somebody in")
	}
}

func TestPrintingTellsNoSecret(t *testing.T) {
	made := token.New(token.Pin{})
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("text", "token", made)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("json", "token", made)
	asJSON, err := json.Marshal(made)
	if err != nil {
		t.Fatal(err)
	}
	printed := fmt.Sprintf("%v %+v %s %q %#v", made, made, made, made, made) + log.String() + string(asJSON)
	if strings.Contains(printed, made.Secret()) {
		t.Errorf("the secret is in what is printed: %s", printed)
	}
	if !strings.Contains(printed, made.ID) {
		t.Errorf("nobody can tell which token was printed: %s", printed)
	}
}

func TestUserNamesOfEnrollment(t *testing.T) {
	id := token.New(token.Pin{}).ID
	if got, ok := token.EnrollID(token.EnrollUser(id)); !ok || got != id {
		t.Errorf("the ID in a user name is %q (%v), want %q", got, ok, id)
	}
	for _, other := range []string{"", "enroll", "enroll:", "enroll:x", "Enroll:" + id, id, "enroll:" + id + "A", "enroll:" + strings.ToLower(id)} {
		if got, ok := token.EnrollID(other); ok {
			t.Errorf("%q is taken for the user of token %q", other, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(token.New(token.PinOf([]byte("a key"))).Text())
	f.Add("A.B.C")
	f.Fuzz(func(t *testing.T, text string) {
		read, err := token.Parse(text)
		if err == nil && read.Text() != text {
			t.Errorf("%q is read as %q", text, read.Text())
		}
	})
}
