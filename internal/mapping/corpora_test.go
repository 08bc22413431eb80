package mapping

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// corpus opens a file of the corpora named by STELLWERK_CORPORA.
func corpus(t *testing.T, name string) *os.File {
	t.Helper()
	dir := os.Getenv("STELLWERK_CORPORA")
	if dir == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("STELLWERK_CORPORA is not set")
		}
		t.Skip("STELLWERK_CORPORA is not set: the corpora are not here")
	}
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// dinRows reads a list of DIN 91379: group, character, and for the search form what it becomes.
func dinRows(t *testing.T, name string, want int) (rows [][]string) {
	t.Helper()
	sc := bufio.NewScanner(corpus(t, filepath.Join("din91379", name)))
	for sc.Scan() {
		cols := strings.Split(sc.Text(), "; ")
		cols[1] = codePoints(t, cols[2])
		rows = append(rows, cols)
	}
	if len(rows) != want {
		t.Fatalf("%s has %d rows, not %d", name, len(rows), want)
	}
	return rows
}

func codePoints(t *testing.T, s string) string {
	t.Helper()
	var b strings.Builder
	for _, cp := range strings.Fields(s) {
		n, err := strconv.ParseUint(cp, 16, 32)
		if err != nil {
			t.Fatal(err)
		}
		b.WriteRune(rune(n))
	}
	return b.String()
}

func TestSearchFormOfDIN91379(t *testing.T) {
	for _, row := range dinRows(t, "latin_list_search_form_1.3.txt", 649) {
		want := codePoints(t, row[5])
		if got, _, ok := searchForm(row[1]); !ok || got != want {
			t.Errorf("search form of %s (%s) is %q; want %q", row[1], row[3], got, want)
		}
	}
}

// Every character of the standard becomes ASCII by a rule or is refused; the refused are these.
func TestTransliterationOfDIN91379(t *testing.T) {
	const refused = "¡¢¤¬¯°¶¿∞"
	for _, row := range dinRows(t, "latin_list_1.3.txt", 930) {
		out, bad, ok := transliterate(row[1], nil)
		switch {
		case row[0] == "dc" && ok: // a mark on its own has nothing to stand on and falls away
		case strings.Contains(refused, row[1]):
			if ok || string(bad) != row[1] {
				t.Errorf("%s became %q", row[1], out)
			}
		case !ok:
			t.Errorf("%s (%s) has no rule", row[1], row[3])
		case out == "" || !isASCII(out) || strings.Contains(out, "?") && row[1] != "?":
			t.Errorf("%s became %q", row[1], out)
		}
	}
}

func TestDataTypesOfDIN91379(t *testing.T) {
	groups := map[string]string{"A": "bll bnlreq", "B": "bll bnlreq bnl", "C": "bll bnlreq bnl bnlopt bnlnot",
		"D": "bll bnlreq bnl bnlopt enl gl", "E": "bll bnlreq bnl bnlopt bnlnot enl gl cl"}
	rows := dinRows(t, "latin_list_1.3.txt", 930)
	for datatype, in := range groups {
		for _, row := range rows {
			_, outside := notInDIN(row[1], datatype)
			if want := !strings.Contains(" "+in+" ", " "+row[0]+" "); outside != want {
				t.Errorf("data type %s: %s (%s, %s) outside: %v", datatype, row[1], row[0], row[3], outside)
			}
		}
	}
}

// naughty reads the big list of naughty strings.
func naughty(t *testing.T) []string {
	t.Helper()
	var list []string
	if err := json.NewDecoder(corpus(t, filepath.Join("blns", "blns.json"))).Decode(&list); err != nil {
		t.Fatal(err)
	}
	if len(list) < 500 {
		t.Fatalf("only %d strings", len(list))
	}
	for _, s := range list {
		if !utf8.ValidString(s) {
			t.Fatalf("%q is not UTF-8", s)
		}
	}
	return list
}
