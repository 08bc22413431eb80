package rest_test

import (
	"io/fs"
	"testing"

	"stellwerk/connectors/rest"
)

func readProfile(t testing.TB, name string) string {
	t.Helper()
	if name == "" {
		return ""
	}
	b, err := fs.ReadFile(rest.Kind().Profiles, "profiles/"+name+".yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
