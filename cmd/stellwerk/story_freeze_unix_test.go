//go:build unix

package main

import "syscall"

const frozen, thawed = syscall.SIGSTOP, syscall.SIGCONT
