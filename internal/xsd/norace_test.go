//go:build !race

package xsd_test

const instrumented = false
