//go:build race

package cli

// underRace: the race detector slows everything down, so that times say nothing.
const underRace = true
