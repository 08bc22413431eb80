package all_test

import (
	"os"
	"slices"
	"testing"

	"stellwerk/connectors/all"
)

// Every package below connectors is a kind of its folder's name, in order.
func TestComplete(t *testing.T) {
	folders, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, f := range folders {
		if f.IsDir() && !slices.Contains([]string{"all", "connectortest", "wire"}, f.Name()) {
			want = append(want, f.Name())
		}
	}
	for _, k := range all.Kinds() {
		got = append(got, k.Name)
		if k.Summary == "" || k.Configure == nil {
			t.Errorf("%s has no summary or cannot be configured", k.Name)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("the list has %v, the folders are %v", got, want)
	}
}
