package admin

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"muster/cmd/internal/program"
	"muster/cmd/internal/settings"
	"muster/manager/client"
	"muster/manager/store"
)

func newToken() *cobra.Command {
	return parent("token", "Make, list and delete tokens for programs and for new devices", "create, list or delete",
		newCreateToken(), newListTokens(), newDeleteToken())
}

func newCreateToken() *cobra.Command {
	var t client.NewToken
	command := &cobra.Command{
		Use: "create [NAME]", Args: cobra.MaximumNArgs(1),
		Short: "Make a token, and print it this once",
		Long: "Makes a token, and prints it, alone on stdout: nobody can be told it again.\n\n" +
			"With --group it lets new devices into that device_group, each once. With a NAME it is for a program, which logs in\n" +
			"with it over REST, and over MQTT if it is given a role there.",
		Example: "  muster token create --group shops --uses 20\n" +
			"  muster token create --group shops --device till-7 --approve\n" +
			"  muster token create ci --user-group deployers --ttl 2160h",
	}
	flags := command.Flags()
	flags.StringVarP(&t.DeviceGroup, "group", "g", "", "for new devices, of this device_group")
	flags.Int64Var(&t.Uses, "uses", 1, "for how many devices it is")
	flags.StringVar(&t.Device, "device", "", "the only device that it is for")
	flags.BoolVar(&t.Approve, "approve", false, "an admin decides on each device: muster devices approve")
	settings.DurationVar(flags, &t.TTL, "ttl", 0, "how long it is good for; by default for ever, or 24h with --group")
	flags.StringSliceVar(&t.UserGroups, "user-group", nil, "user_groups whose rights the program has, comma separated")
	flags.BoolVar(&t.Admin, "admin", false, "the program may do everything")
	flags.StringVar(&t.MQTTRole, "mqtt-role", "", "what the program is at the broker: viewer (reads what the user_groups may read), bridge or manager")
	flags.BoolVar(&t.BrokerAuth, "broker-auth", false, "the program is a broker that asks who may connect, publish and subscribe")
	return asks(command, nil, func(command *cobra.Command, c *client.Client, args []string) error {
		if err := tokenFor(command, args, t); err != nil {
			return &program.UsageError{Err: err}
		}
		t.Kind = store.TokenEnroll
		if len(args) > 0 {
			t.Kind, t.Name, t.Uses = store.TokenAPI, args[0], 0
		}
		made, text, err := c.CreateToken(command.Context(), t)
		if err != nil {
			return err
		}
		note(command, "token %s for %s", made.ID, purpose(made))
		return say(command, "%s", text)
	})
}

// tokenFor refuses flags that do not go together, and what would be taken for being left out.
func tokenFor(command *cobra.Command, args []string, t client.NewToken) error {
	given := command.Flags().Changed
	switch {
	case given("ttl") && t.TTL < time.Second:
		return errors.New("ttl: must be 1s or more")
	case t.Uses < 1:
		return fmt.Errorf("uses: must be 1 or more, is %d", t.Uses)
	}
	switch devices := given("group"); {
	case devices == (len(args) > 0):
		return errors.New("token create: needs either --group, for devices, or a NAME, for a program")
	case devices:
		return refuseFlags(given, "is for programs, which have a NAME", "user-group", "admin", "mqtt-role", "broker-auth")
	}
	return refuseFlags(given, "is for devices, which have a --group", "uses", "device", "approve")
}

func refuseFlags(given func(string) bool, why string, flags ...string) error {
	for _, flag := range flags {
		if given(flag) {
			return fmt.Errorf("%s: %s", flag, why)
		}
	}
	return nil
}

// purpose is what a token is good for.
func purpose(t store.Token) string {
	switch {
	case t.Kind == store.TokenEnroll && t.Device != "":
		return fmt.Sprintf("device %s in device_group %s, %s", t.Device, t.DeviceGroup, ends(t))
	case t.Kind == store.TokenEnroll && t.Uses == 1:
		return fmt.Sprintf("one device in device_group %s, %s", t.DeviceGroup, ends(t))
	case t.Kind == store.TokenEnroll:
		return fmt.Sprintf("%d devices in device_group %s, %s", t.Uses, t.DeviceGroup, ends(t))
	}
	return fmt.Sprintf("%q, %s", t.Name, ends(t))
}

func ends(t store.Token) string {
	if t.Expires.IsZero() {
		return "without an end"
	}
	return "until " + t.Expires.UTC().Format(time.RFC3339)
}
