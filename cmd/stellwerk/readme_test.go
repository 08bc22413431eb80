package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What the README and docs/ tell people to type is typed here, in a copy of the
// repository: every sh block must run, every yaml block must be good. A block is
// marked by a comment on the line above it, settings parted by semicolons:
//
//	<!-- needs: demo -->               a demo hub with a settled case runs; the block's <id> and NUMBER are
//	                                   that case, 127.0.0.1:8080 and :8081 are the demo's addresses, and
//	                                   STELLWERK_HUB, _KEY, _PORTALS, _PORTAL_KEY and _DIR are set
//	<!-- awaits: TEXT -->              it runs on in the background once its output holds the text
//	<!-- exits: 3 -->                  it ends with this code
//	<!-- prints -->                    a text block: what the block before it printed; … is whatever it may be
//	<!-- file: systems/kasse.yaml -->  a file of an operator's folder: check must find it good. The folder
//	                                   is "town", a copy of the sample, for all blocks of the document;
//	                                   with "; in: kreis" it is that one
//	<!-- not run: WHY -->              and why nothing proves it
//
// "go run ./cmd/stellwerk" is the program this test belongs to.
func TestDocs(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("the demo prints a curl line, and there is no curl to run it")
		}
		t.Skip("the demo prints a curl line, and there is no curl to run it")
	}
	docs := []string{"README.md"}
	more, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, doc := range more {
		docs = append(docs, "docs/"+filepath.Base(doc))
	}
	for _, doc := range docs {
		t.Run(doc, func(t *testing.T) {
			t.Parallel()
			content, err := os.ReadFile(filepath.Join("../..", doc))
			if err != nil {
				t.Fatal(err)
			}
			ran, err := follow(t, doc, string(content))
			if err != nil {
				t.Error(err)
			}
			t.Logf("%d blocks followed", ran)
		})
	}
}

// The control: what is wrong in a document must be noticed.
func TestDocsControl(t *testing.T) {
	t.Parallel()
	fence := func(mark, language, text string) string { return mark + "\n```" + language + "\n" + text + "\n```\n" }
	for name, c := range map[string]struct{ doc, want string }{
		"fails":           {fence("", "sh", "stellwerk check --dir nowhere"), "a.md:2: ended with 3, not 0"},
		"fails halfway":   {fence("", "sh", "false\ntrue"), "a.md:2: ended with 1, not 0"},
		"other code":      {fence("<!-- exits: 3 -->", "sh", "true"), "a.md:2: ended with 0, not 3"},
		"other output":    {fence("", "sh", "echo one") + fence("<!-- prints -->", "text", "two"), `a.md:6: "two" was not printed`},
		"never says":      {fence("<!-- awaits: ready -->", "sh", "echo steady"), `a.md:2: ended before it said "ready"`},
		"unknown mark":    {fence("<!-- need: demo -->", "sh", "true"), "a.md:2: need is no mark"},
		"no reason":       {fence("<!-- not run: -->", "sh", "true"), "a.md:2: not run needs a reason"},
		"yaml of nothing": {fence("", "yaml", "a: 1"), "a.md:2: a yaml block names its file"},
		"bad yaml":        {fence("<!-- file: stellwerk.yaml -->", "yaml", "limts: {}"), "limts is not a setting"},
		"in another one":  {fence("<!-- file: stellwerk.yaml; in: kreis -->", "yaml", "limts: {}"), "check --dir kreis"},
		"no end":          {"```sh\ntrue\n", "a.md:1: the block has no end"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := follow(t, "a.md", c.doc); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
	good := fence("", "sh", "echo one\necho 2 and 3") + fence("<!-- prints -->", "text", "one\n2 … 3") +
		fence("<!-- awaits: ready -->", "sh", "echo ready; exec sleep 1000") + fence("<!-- not run: it cannot be -->", "sh", "false")
	if ran, err := follow(t, "a.md", good); err != nil || ran != 2 {
		t.Errorf("%d blocks, %v", ran, err)
	}
}

// block is one fenced block of a document.
type block struct {
	line     int // of its fence
	language string
	marks    map[string]string
	text     string
}

var (
	fenceLine = regexp.MustCompile("^```([a-z]*)$")
	markLine  = regexp.MustCompile(`^<!-- (.*?) ?-->$`)
)

// blocks reads a document's fenced blocks and their marks.
func blocks(doc, content string) ([]block, error) {
	var all []block
	open := false
	before := ""
	for i, line := range strings.Split(content, "\n") {
		m := fenceLine.FindStringSubmatch(line)
		switch {
		case open && line == "```":
			open = false
		case open:
			all[len(all)-1].text += line + "\n"
		case m != nil:
			b := block{line: i + 1, language: m[1], marks: map[string]string{}}
			if mark := markLine.FindStringSubmatch(before); mark != nil {
				for setting := range strings.SplitSeq(mark[1], ";") {
					name, value, _ := strings.Cut(strings.TrimSpace(setting), ":")
					b.marks[name] = strings.TrimSpace(value)
				}
			}
			if err := b.check(); err != nil {
				return nil, fmt.Errorf("%s:%d: %w", doc, b.line, err)
			}
			all = append(all, b)
			open = true
		}
		before = line
	}
	if open {
		return nil, fmt.Errorf("%s:%d: the block has no end", doc, all[len(all)-1].line)
	}
	return all, nil
}

func (b *block) check() error {
	for name, value := range b.marks {
		switch {
		case !slices.Contains([]string{"needs", "awaits", "exits", "prints", "file", "in", "not run"}, name):
			return fmt.Errorf("%s is no mark", name)
		case name == "needs" && value != "demo":
			return fmt.Errorf("nobody gives %q", value)
		case name == "in" && b.marks["file"] == "":
			return errors.New("in says where a file lies, and there is none")
		case name == "not run" && value == "":
			return errors.New("not run needs a reason")
		}
	}
	if _, off := b.marks["not run"]; b.language == "yaml" && !off && b.marks["file"] == "" {
		return errors.New("a yaml block names its file")
	}
	return nil
}
