// Package admin is the operators' admin API as its callers see it: the JSON forms
// and a client. The server in internal/web speaks the same types, so a field is
// named in one place. Keys are kebab-case and stable: scripts build on them.
package admin
