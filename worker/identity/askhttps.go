package identity

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"muster/topics"
)

// maxAnswer is the most that is read of an answer, in bytes.
const maxAnswer = 64 << 10

// CheckEnrollURL says what is wrong with a manager's URL.
func CheckEnrollURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("must be a manager's URL, such as https://manager.example:8443")
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return errors.New("must start with https://, because the token is a secret")
	}
	return nil
}

// overHTTPS asks a manager.
func (k *Keeper) overHTTPS(ctx context.Context, q question) (topics.CertificateReply, error) {
	payload, err := q.Encode()
	if err != nil {
		return topics.CertificateReply{}, err
	}
	u, err := url.Parse(k.EnrollURL)
	if err != nil {
		return topics.CertificateReply{}, fmt.Errorf("enroll-url: %w", err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, askTime, errNoReply)
	defer cancel()
	ask, err := http.NewRequestWithContext(ctx, http.MethodPost, u.JoinPath("api/v2/enroll").String(), bytes.NewReader(payload))
	if err != nil {
		return topics.CertificateReply{}, err
	}
	ask.Header.Set("Content-Type", "application/json")
	// A redirection could take the token to where TLS does not protect it.
	c := http.Client{
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: k.tlsConfig(u.Hostname(), protocolHTTP), DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	answer, err := c.Do(ask)
	if err != nil {
		return topics.CertificateReply{}, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return topics.CertificateReply{}, err
	}
	reply, err := topics.ParseCertificateReply(body)
	if err == nil {
		return reply, nil
	}
	why := fmt.Sprintf("the manager answered %s: %.200q", answer.Status, strings.TrimSpace(string(body)))
	switch code := answer.StatusCode; {
	case code == http.StatusTooManyRequests, code == http.StatusRequestTimeout, code < 400, code >= 500:
		return topics.CertificateReply{}, errors.New(why)
	}
	return topics.CertificateReply{}, &RefusedError{why}
}
