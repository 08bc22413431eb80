// Package routes ships the services: one folder each, with its route, schemas and examples.
package routes

import "embed"

// FS holds <service>/route.yaml and what it names.
//
//go:embed */*
var FS embed.FS
