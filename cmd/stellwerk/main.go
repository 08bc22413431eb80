// Command stellwerk is the hub between citizen portals and the systems of a town
// hall, and the tool to run and repair it.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"stellwerk/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, func() { signal.Reset(os.Interrupt) }) // the second Ctrl-C ends what does not heed the first
	code := cli.Standard().Run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}
