// Command muster is the manager's program: "muster serve" runs everything that is not on a device, and the other
// commands are the admin's, who asks a running manager over its REST API.
package main

import (
	"io"
	"os"

	"github.com/spf13/cobra"

	"muster/cmd/internal/program"
	"muster/cmd/muster/internal/admin"
)

func main() {
	os.Exit(program.Run(newRoot(os.Stdout, os.Stderr), os.Args[1:], os.Stderr))
}

func newRoot(stdout, stderr io.Writer) *cobra.Command {
	root := &cobra.Command{
		Use:     "muster",
		Short:   "Manage containers on a fleet of devices over MQTT",
		Version: program.Version(),
	}
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.AddCommand(newServe(stdout, stderr), newBridge(stderr), newReporter(stderr))
	admin.AddTo(root)
	return root
}
