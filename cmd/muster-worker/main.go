// Command muster-worker makes the device that it runs on follow the config of its device_group.
package main

import (
	"os"

	"muster/cmd/internal/program"
)

func main() {
	os.Exit(program.Run(newCommand(os.Stdout, os.Stderr), os.Args[1:], os.Stderr))
}
