// Package cli is the command line: one file a command. Commands that look up,
// repair or steer talk to a running hub through its admin API; check, explain and
// mapping read the operator's folder; serve, demo and load start hubs.
//
// # Rules
//
//   - --json writes one JSON value to standard output, with stable kebab-case keys.
//   - Text is for people: it fits the terminal (80 columns where there is none), and
//     nothing that came from outside reaches it raw: control characters, escape
//     sequences and characters that turn the writing direction are shown as \u….
//   - What went wrong goes to standard error in one line: place, thing, remedy.
//
// # Exit codes
//
//	0  done
//	1  failed
//	2  the command was not written as it must be
//	3  done, with findings: a configuration with errors, a failing mapping test,
//	   a doctor's bad check, a load test that lost something
//	4  the hub has nothing under this name
//	5  the hub cannot be reached
//	6  the hub does not accept the key
//	7  not possible in the present state
package cli
