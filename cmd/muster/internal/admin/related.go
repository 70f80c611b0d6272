package admin

import (
	"context"
	"errors"
	"slices"

	"muster/manager/client"
	"muster/manager/store"
)

// groupsWith finds the device_groups that list something. Those that the caller may not read are left out.
func groupsWith(lists func(store.DeviceGroup) []string) func(context.Context, *client.Client, string) (string, any, error) {
	return func(ctx context.Context, c *client.Client, name string) (string, any, error) {
		groups, err := c.DeviceGroups().Names(ctx)
		if err != nil {
			return "", nil, err
		}
		with := []string{}
		for _, g := range c.DeviceGroups().GetAll(ctx, groups) {
			if g.Err != nil && !passed(g.Err) {
				return "", nil, g.Err
			}
			if slices.Contains(lists(g.Value), name) {
				with = append(with, g.Name)
			}
		}
		return "device_groups", with, nil
	}
}

// latestConfig is the newest config that devices of a group were given, null when there was none.
func latestConfig(ctx context.Context, c *client.Client, group string) (string, any, error) {
	for config, err := range c.Configs(ctx, group) {
		return "latest_config", config, err
	}
	return "latest_config", nil, nil
}

// passed reports whether an object of a list is passed over: it was deleted after it was listed, or is not the
// caller's to read.
func passed(err error) bool {
	return errors.Is(err, client.ErrNotFound) || errors.Is(err, client.ErrNotAllowed)
}

// An account is a user without what proves who it is: not even the hashes belong on a screen.
type account struct {
	UserName string `json:"user_name"`
	// UserGroups are those that the user is a member of.
	UserGroups []string `json:"user_groups"`
}

func readAccounts(ctx context.Context, c *client.Client, names []string) []found {
	groups, err := c.UserGroups().Names(ctx)
	memberships := map[string][]string{}
	if err == nil {
		for _, g := range c.UserGroups().GetAll(ctx, groups) {
			if g.Err != nil && !passed(g.Err) {
				err = g.Err
			}
			for _, member := range g.Value.GroupMembers {
				memberships[member] = append(memberships[member], g.Name)
			}
		}
	}
	results := c.Users().GetAll(ctx, names)
	accounts := make([]client.Result[account], len(results))
	for i, r := range results {
		if r.Err == nil {
			r.Err = err
		}
		accounts[i] = client.Result[account]{Name: r.Name, Err: r.Err, Value: account{r.Name, append([]string{}, memberships[r.Name]...)}}
	}
	return rows(accounts, func(a account) []string { return []string{a.UserName, list(a.UserGroups)} })
}
