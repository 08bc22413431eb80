// Package testdata carries the sample operator's folder into the binary, so that
// the demo and the load test run anywhere.
package testdata

import "embed"

// Musterstadt holds the folder musterstadt.
//
//go:embed all:musterstadt
var Musterstadt embed.FS
