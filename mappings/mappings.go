// Package mappings ships the mappings of every service, the code lists, layouts
// and sample ordinances they name.
package mappings

import "embed"

// FS holds <service>/<document>.yaml and what it names.
//
//go:embed */*
var FS embed.FS
