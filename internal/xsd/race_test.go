//go:build race

package xsd_test

// instrumented says that times mean nothing.
const instrumented = true
