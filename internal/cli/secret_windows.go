package cli

import "os"

// asBefore has nothing to do: a new file takes its rights from its folder.
func asBefore(string, os.FileInfo) error { return nil }
