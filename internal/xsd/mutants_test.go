package xsd_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"stellwerk/internal/xsd"
)

// mutant is a message changed at one place.
type mutant struct {
	what string
	line int // the first line changed
	data []byte
}

var leaf = regexp.MustCompile(`^(\s*<([\w:.-]+)[^>]*>)([^<]*)(</[\w:.-]+>\s*)$`)

// mutants changes lines that hold one element with text: drops it, exchanges it with the next, or puts
// another value in.
func mutants(data []byte, count int, seed uint64) []mutant {
	lines := strings.SplitAfter(string(data), "\n")
	var at []int
	for i, l := range lines {
		if leaf.MatchString(strings.TrimRight(l, "\r\n")) {
			at = append(at, i)
		}
	}
	if len(at) == 0 {
		return nil
	}
	rnd := rand.New(rand.NewPCG(seed, 1))
	var out []mutant
	put := func(what string, line int, lines []string) {
		out = append(out, mutant{what, line + 1, []byte(strings.Join(lines, ""))})
	}
	for n := range count {
		i := at[rnd.IntN(len(at))]
		m := leaf.FindStringSubmatch(strings.TrimRight(lines[i], "\r\n"))
		changed := append([]string{}, lines...)
		switch n % 3 {
		case 0:
			put("dropped "+m[2], i, append(changed[:i], changed[i+1:]...))
		case 1:
			changed[i], changed[i+1] = changed[i+1], changed[i]
			put("exchanged "+m[2], i, changed)
		default:
			values := []string{"", "§§ kein Wert §§", "2026-02-30", "-1", strings.Repeat("x", 3000)}
			changed[i] = m[1] + values[rnd.IntN(len(values))] + m[4] + "\n"
			put("another value in "+m[2], i, changed)
		}
	}
	return out
}

// TestMutants changes the sample messages at random. Our verdict must be xmllint's, and the line the
// changed one.
func TestMutants(t *testing.T) {
	src, root := samples(t)
	for file, schemaFile := range sampleMessages {
		t.Run(path.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(path.Join(root, file))
			if err != nil {
				t.Fatal(err)
			}
			all := mutants(data, 60, uint64(len(data)))
			if len(all) == 0 {
				t.Skip("the message has no lines of one element each")
			}
			schema := mustCompile(t, src, schemaFile)
			theirs := xmllintVerdicts(t, root, schemaFile, all)
			refused := 0
			for i, m := range all {
				found, err := schema.Validate(context.Background(), bytes.NewReader(m.data), xsd.Options{})
				bad := err != nil || len(found) > 0
				if theirs != nil && theirs[i] == bad {
					t.Errorf("%s in line %d: refused %v, xmllint otherwise: %v", m.what, m.line, bad, found)
				}
				if !bad || err != nil {
					continue
				}
				refused++
				if l := found[0].Line; l != m.line && !(strings.HasPrefix(m.what, "exchanged") && l == m.line+1) {
					t.Errorf("%s in line %d: found in line %d: %v", m.what, m.line, l, found[0])
				}
				checkSentences(t, found)
			}
			if refused == 0 {
				t.Error("no mutant was refused")
			}
		})
	}
}

// checkSentences sees that findings are complete and that no sentence gives away a value.
func checkSentences(t *testing.T, found []xsd.Finding) {
	t.Helper()
	for _, f := range found {
		if f.Rule == "" || f.Code == "" || f.De == "" || f.En == "" || f.Path == "" || f.Line == 0 {
			t.Errorf("incomplete finding: %+v", f)
		}
		if len(f.Value) > 6 && (strings.Contains(f.De, f.Value) || strings.Contains(f.En, f.Value)) {
			t.Errorf("the sentence gives away the value: %+v", f)
		}
	}
}

// xmllintVerdicts tells which mutants xmllint accepts; nil where it is not installed.
func xmllintVerdicts(t *testing.T, root, schemaFile string, all []mutant) []bool {
	xmllint, err := exec.LookPath("xmllint")
	if err != nil {
		return nil
	}
	dir := t.TempDir()
	args := []string{"--nonet", "--noout", "--schema", path.Join(root, schemaFile)}
	var files []string
	for i, m := range all {
		f := filepath.Join(dir, fmt.Sprintf("%d.xml", i))
		if err := os.WriteFile(f, m.data, 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	cmd := exec.Command(xmllint, append(args, files...)...)
	cmd.Env = append(os.Environ(), "XML_CATALOG_FILES="+path.Join(root, "catalog.xml"))
	out, _ := cmd.CombinedOutput() // it exits with an error when one file is invalid
	verdicts := make([]bool, len(all))
	for i, f := range files {
		switch {
		case bytes.Contains(out, []byte(f+" validates")):
			verdicts[i] = true
		case !bytes.Contains(out, []byte(f+" fails to validate")) && !bytes.Contains(out, []byte(f+":")):
			t.Fatalf("xmllint says nothing of %s: %s", f, out[:min(len(out), 500)])
		}
	}
	return verdicts
}
