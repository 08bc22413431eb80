package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// mailboxes has citizens written to: into the mailbox of their account where they have
// one, by mail where they have only an address.
func mailboxes(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: mailboxes")
	}
	s := of(ts)
	for name, text := range map[string]string{
		"postkorb": "kind: rest\nprofile: postkorb-json\naddress: http://127.0.0.1:9\n",
		"briefe":   "kind: mail\naddress: 127.0.0.1:9\nsecurity: tls\nfrom: \"Stadt Musterstadt <keine-antwort@musterstadt.example>\"\n",
	} {
		file := "systems/" + name + ".yaml"
		ts.Check(os.WriteFile(s.folder(file), []byte(text), 0o600))
		for _, line := range s.pointed(text) {
			ts.Check(s.set(file, line))
		}
	}
	files, err := filepath.Glob(s.folder("municipalities/*.yaml"))
	ts.Check(err)
	for _, file := range files {
		text := ts.ReadFile(file)
		with := "systems: {citizen: postkorb, "
		if !strings.Contains(text, "citizen-mail:") {
			with += "citizen-mail: briefe, "
		}
		ts.Check(os.WriteFile(file, []byte(strings.Replace(text, "systems: {", with, 1)), 0o600))
	}
}

// mail shows the N-th mail as its reader sees it, and looks for texts in it.
func mail(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: mail N [TEXT...]")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	all, err := of(ts).client.Mails(of(ts).ctx, n-1)
	ts.Check(err)
	if len(all) == 0 {
		ts.Fatalf("there is no mail %s", args[0])
	}
	m := all[0]
	text := fmt.Sprintf("From: %s\nTo: %s\nSubject: %s\n\n%s\n", m.From, m.To, m.Subject, m.Text)
	_, err = ts.Stdout().Write([]byte(text))
	ts.Check(err)
	for _, want := range args[1:] {
		if !strings.Contains(strings.Join(strings.Fields(text), " "), want) {
			ts.Fatalf("looking for %q in\n%s", want, text)
		}
	}
}
