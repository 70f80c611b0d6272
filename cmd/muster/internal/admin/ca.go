package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"muster/cmd/internal/program"
	"muster/cmd/internal/settings"
	"muster/manager/client"
)

const day = 24 * time.Hour

func newCA() *cobra.Command {
	return parent("ca", "The fleet's certificate authorities: show, replace, export", "show, roll, retire, export or crl",
		newShowCA(), newRollCA(), newRetireCA(), newExportCA(), newCRL())
}

func newRollCA() *cobra.Command {
	command := &cobra.Command{
		Use: "roll", Args: cobra.NoArgs,
		Short: "Make the next certificate authority, which issues from now on",
		Long: "Makes the next certificate authority. Managers have new certificates of it at once, or within their --cache-time; devices\n" +
			"with their next renewal. The one before is believed until muster ca retire.",
	}
	return asks(command, nil, func(command *cobra.Command, c *client.Client, _ []string) error {
		made, err := c.RollAuthority(command.Context())
		if err != nil {
			return err
		}
		return say(command, "authority %q made, good until %s", made.ID, made.NotAfter.Format(time.DateOnly))
	})
}

func newRetireCA() *cobra.Command {
	var force, sure bool
	command := &cobra.Command{
		Use: "retire ID", Args: cobra.ExactArgs(1),
		Short: "Believe no devices' certificates of an older authority any more",
		Long: "Believes no devices' certificates of an older authority any more. It is refused while devices have certificates of it and would be\n" +
			"locked out; muster ca show ID counts them. There is no way back.",
	}
	command.Flags().BoolVar(&force, "force", false, "lock out the devices that still have such a certificate, after a question")
	declareYes(command.Flags(), &sure)
	return asks(command, authorityIDs, func(command *cobra.Command, c *client.Client, args []string) error {
		if force && !sure {
			_, devices, err := c.Authority(command.Context(), args[0])
			if err != nil {
				return err
			}
			if err := confirm(command, "%d devices are to be locked out for good.", devices); err != nil {
				return err
			}
		}
		if _, err := c.RetireAuthority(command.Context(), args[0], force); err != nil {
			return err
		}
		return say(command, "authority %q retired", args[0])
	})
}

func authorityIDs(ctx context.Context, c *client.Client, _ []string, _ string) (ids []string, err error) {
	all, err := c.Authorities(ctx)
	for _, a := range all {
		ids = append(ids, a.ID)
	}
	return ids, err
}

func newExportCA() *cobra.Command {
	command := &cobra.Command{
		Use: "export", Args: cobra.NoArgs,
		Short: "Print the certificates of the authorities that are not retired, in PEM",
		Long: "Prints the certificates of the authorities that are not retired, in PEM, for those who have to believe them: external brokers,\n" +
			"devices with other programs, --ca-file. They are no secret.",
	}
	return asks(command, nil, func(command *cobra.Command, c *client.Client, _ []string) error {
		all, err := c.Authorities(command.Context())
		if err != nil {
			return err
		}
		var roots strings.Builder
		for _, a := range all {
			if a.Retired == nil {
				roots.WriteString(a.Certificate)
			}
		}
		_, err = io.WriteString(command.OutOrStdout(), roots.String())
		return err
	})
}

func newCRL() *cobra.Command {
	var life time.Duration
	command := &cobra.Command{
		Use: "crl", Args: cobra.NoArgs,
		Short: "Print the certificate revocation lists, in PEM",
		Long: "Prints the certificate revocation lists of the authorities that are not retired, in PEM, for external brokers. They have the certificates\n" +
			"of revoked devices, not those of deleted ones. A broker whose list has ended lets no device in.",
		Example: "  muster ca crl --life 168h > crl.pem.new && mv crl.pem.new /etc/mosquitto/crl.pem",
	}
	settings.DurationVar(command.Flags(), &life, "life", 7*day, "how long the lists are good, in whole days (24h) up to 90")
	return asks(command, nil, func(command *cobra.Command, c *client.Client, _ []string) error {
		if life < day || life > 90*day || life%day != 0 {
			return &program.UsageError{Err: fmt.Errorf("life: must be 24h to 2160h, and whole days, is %v", life)}
		}
		lists, err := c.CRL(command.Context(), life)
		if err == nil && lists == "" {
			err = errors.New("the manager has no revocation lists")
		}
		if err != nil {
			return err
		}
		_, err = io.WriteString(command.OutOrStdout(), lists)
		return err
	})
}
