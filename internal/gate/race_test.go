//go:build race

package gate

// raced says that the race detector is on, whose own memory is many times ours.
const raced = true
