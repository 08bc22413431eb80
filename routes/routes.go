// Package routes ships the services: one folder each, with its route, schemas and
// examples; and the bundles of several services, one file each.
package routes

import "embed"

// FS holds <service>/route.yaml and what it names, and <bundle>.yaml.
//
//go:embed *.yaml */*
var FS embed.FS
