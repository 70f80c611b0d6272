package admin

import "github.com/spf13/cobra"

func newExitCodes() *cobra.Command {
	return &cobra.Command{
		Use:   "exit-codes",
		Short: "What the exit codes mean",
		Long: `0  all was done that was asked for
1  something failed: the manager refused it, cannot be reached, or the command was interrupted; with several
   names, at least one of them failed, and the others were done
2  the command line, the environment or a file is wrong; nothing was changed
3  apply --dry-run has found something to do
4  watch has waited as long as it was told to, and the rollout is not over

What was done or found is on stdout, why something failed in one line on stderr.
`,
	}
}
