package client

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func TestErrorsInOneSentence(t *testing.T) {
	ctx := context.Background()
	group := func(c *Client) error { _, err := c.DeviceGroups().Create(ctx, "g", nil); return err }
	get := func(c *Client) error { _, err := c.Apps().Get(ctx, "x"); return err }
	refresh := func(c *Client) error { _, err := c.RefreshUser(ctx, "ann"); return err }
	for _, tc := range []struct {
		call    func(*Client) error
		status  int
		body    string
		want    string
		meaning error
		field   string
		reason  string
	}{
		{get, 403, `{"app_exists": false}`, `app "x" does not exist`, ErrNotFound, "app_exists", "false"},
		{get, 403, `{"app_exists": true}`, `app "x" exists already`, ErrExists, "app_exists", "true"},
		{get, 403, `{"access_allowed": false}`, `not allowed: get app "x"`, ErrNotAllowed, "access_allowed", "false"},
		{get, 401, `{"error": "credentials are missing or wrong"}`, `credentials are missing or wrong`, ErrDenied, "error", "credentials are missing or wrong"},
		{get, 401, ``, `credentials are missing or wrong`, ErrDenied, "", ""},
		{get, 400, `{"invalid_name": "must start with a letter or digit"}`, `app "x": invalid name: must start with a letter or digit`, nil, "invalid_name", "must start with a letter or digit"},
		{get, 403, `{"running_before_restart": false}`, `app "x": is not running, so that there is nothing to restart`, nil, "running_before_restart", "false"},
		{get, 400, `{"missing_parameters": true}`, `app "x": nothing is given to set`, nil, "missing_parameters", "true"},
		{get, 400, `{"missing_parameters": ["docker_image", "schedule"]}`, `app "x": must be given: docker_image, schedule`, nil, "missing_parameters", `["docker_image", "schedule"]`},
		{get, 400, `{"starting_ports": "invalid port"}`, `app "x": starting_ports: invalid port`, nil, "starting_ports", "invalid port"},
		{get, 400, `{"schedule_valid": false, "schedule": "minute: out of range"}`, `app "x": schedule: minute: out of range`, nil, "schedule", "minute: out of range"},
		{get, 500, `{"a": 1, "error": "not all", "prune_ids": {}}`, `get app "x": not all (request R)`, nil, "error", "not all"},
		{get, 400, `{"schedule_valid": false}`, `app "x": schedule: must have five fields as in crontab(5)`, nil, "schedule_valid", "false"},
		{get, 500, `{"error": "internal error", "request_id": "r1"}`, `get app "x": internal error (request R)`, nil, "error", "internal error"},
		{get, 404, `{"error": "no such path"}`, `get app "x": no such path`, nil, "error", "no such path"},
		{get, 502, `<html>`, `get app "x": 127.0.0.1:8080 answers 502 Bad Gateway, which is not what a manager says`, nil, "", ""},
		{group, 403, `{"app_exists": false}`, `device_group "g": one of its apps does not exist`, nil, "app_exists", "false"},
		{group, 403, `{"cron_job_exists": false}`, `device_group "g": one of its cron_jobs does not exist`, nil, "cron_job_exists", "false"},
		{group, 403, `{"device_group_exists": true}`, `device_group "g" exists already`, ErrExists, "device_group_exists", "true"},
		{group, 400, `{"apps_is_list": false}`, `device_group "g": apps: must be a list`, nil, "apps_is_list", "false"},
		{refresh, 403, `{"user_name": false}`, `user "ann" does not exist`, ErrNotFound, "user_name", "false"},
	} {
		c, s := play(t, Options{}, answer{status: tc.status, body: tc.body})
		err := tc.call(c)
		var refusal *Error
		if !errors.As(err, &refusal) {
			t.Errorf("%d %s: %v", tc.status, tc.body, err)
			continue
		}
		got := strings.ReplaceAll(err.Error(), s.requests[0].Header.Get("X-Request-Id"), "R")
		if got != tc.want || refusal.Status != tc.status || refusal.Field != tc.field || refusal.Reason != tc.reason {
			t.Errorf("%d %s: %q, %+v, want %q", tc.status, tc.body, got, refusal, tc.want)
		}
		for _, meaning := range []error{ErrNotFound, ErrExists, ErrDenied, ErrNotAllowed} {
			if errors.Is(err, meaning) != errors.Is(tc.meaning, meaning) {
				t.Errorf("%d %s: is %v: %v", tc.status, tc.body, meaning, errors.Is(err, meaning))
			}
		}
	}
}

func TestAnswersThatMakeNoSense(t *testing.T) {
	for _, body := range []string{``, `<html>`, `[]`, `{"app_name": 1}`} {
		c, _ := play(t, Options{}, answer{status: 200, body: body})
		if _, err := c.Apps().Get(t.Context(), "x"); err == nil || !strings.Contains(err.Error(), "is http://127.0.0.1:8080 a Muster?") {
			t.Errorf("%s: %v", body, err)
		}
	}
	c, _ := play(t, Options{}, answer{status: 200, body: `{"data": 1}`})
	if _, err := c.Apps().Names(t.Context()); err == nil {
		t.Error("a list without names is taken")
	}
	c, _ = play(t, Options{}, answer{status: 200, body: strings.Repeat(" ", maxAnswer+1)})
	if _, err := c.Apps().Get(t.Context(), "x"); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("an answer without end: %v", err)
	}
}

// What was pruned before something failed is told.
func TestPruneAllInPart(t *testing.T) {
	c, _ := play(t, Options{}, answer{status: 500, body: `{"error": "device_group \"b\" cannot be read", "prune_ids": {"a": 4}}`})
	ids, err := c.PruneAll(t.Context())
	if err == nil || !strings.Contains(err.Error(), `device_group "b" cannot be read`) || len(ids) != 1 || ids["a"] != 4 {
		t.Errorf("%v, %v", ids, err)
	}
	c, _ = play(t, Options{}, answer{status: 202, body: `{"prune_ids": []}`})
	if ids, err := c.PruneAll(t.Context()); err == nil {
		t.Errorf("%v is taken", ids)
	}
}
