// Package rest speaks JSON, XML and multipart over HTTP. What one product wants
// (paths, headers, steps, which replies mean what) is a profile; this package
// knows the protocol only.
//
// What a reply means is decided by the rules of the profile, first match wins:
// those of the request, then those of the system. A status that no rule names is
// judged by package wire, which says too what no reply means; a 2xx is delivered,
// unless rules name what delivered looks like, or it is an HTML page: unknown then.
// An answer may be in any encoding that it names; one that names none and is not
// UTF-8 is read as windows-1252.
package rest

import (
	"embed"
	"io/fs"

	"stellwerk/connectors"
)

//go:embed profiles/*.yaml
var profiles embed.FS

// Kind is the protocol with its profiles.
func Kind() connectors.Kind {
	return connectors.Kind{
		Name:      "rest",
		Summary:   "JSON, XML and multipart over HTTP; profiles say which replies mean what",
		Profiles:  fs.FS(profiles),
		Configure: configure,
	}
}
