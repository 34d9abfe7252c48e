// Command heddle is the whole of Heddle: server, client, load generator and demo. See internal/cli.
package main

import (
	"os"

	"heddle.example/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:])) }
