package mapping

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the expectations of the stories anew")

func loadStory(t testing.TB, name string) *Mapping {
	t.Helper()
	fsys := os.DirFS("testdata")
	m, findings := Load(fsys, name, Files{FS: fsys})
	for _, f := range findings {
		t.Errorf("%s", f)
	}
	if m == nil {
		t.FailNow()
	}
	return m
}

func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, file := range files {
		dir := filepath.Base(filepath.Dir(file))
		if dir == "codelists" || dir == "layouts" || dir == "ordinances" {
			continue
		}
		m := loadStory(t, dir+"/"+filepath.Base(file))
		for _, r := range m.RunTests(os.DirFS("testdata"), TestOptions{}) {
			ran++
			if *update && r.Got != nil && r.Expect != "" {
				if err := os.WriteFile(filepath.Join("testdata", r.Expect), r.Got, 0o644); err != nil {
					t.Fatal(err)
				}
			} else if !r.OK {
				t.Errorf("%s:%d: %s: %s\n%s", r.Mapping, r.Line, r.Name, r.Message, r.Diff)
			}
		}
	}
	if ran < 7 {
		t.Errorf("only %d tests ran", ran)
	}
}
