package folder

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"stellwerk/connectors"
)

// settings are the keys of a system file.
type settings struct {
	Path        string        `yaml:"path"`        // the folder; relative to the operator's
	File        string        `yaml:"file"`        // name of the document's file, with {names}
	Attachments string        `yaml:"attachments"` // beside (default), folder or omit
	Marker      string        `yaml:"marker"`      // none (default), done or manifest
	Remember    time.Duration `yaml:"remember"`    // how long receipts are kept; 90 days
	Mode        string        `yaml:"mode"`        // of the files, octal; "0640"
}

// config is a system's settings, checked.
type config struct {
	settings
	name []piece
	mode os.FileMode
}

// piece is text of a file name, or a field of the message.
type piece struct {
	text  string
	field func(*connectors.Message) string
}

var fields = map[string]func(*connectors.Message) string{
	"id":           func(m *connectors.Message) string { return m.ID },
	"submission":   func(m *connectors.Message) string { return m.Submission },
	"number":       func(m *connectors.Message) string { return m.Number },
	"municipality": func(m *connectors.Message) string { return m.Municipality },
	"service":      func(m *connectors.Message) string { return m.Service },
	"role":         func(m *connectors.Message) string { return m.Role },
	"name":         func(m *connectors.Message) string { return m.Name },
}

func configure(in connectors.Settings) (connectors.Config, error) {
	c := &config{settings: settings{File: "{number}-{name}", Attachments: "beside", Marker: "none", Remember: 90 * 24 * time.Hour, Mode: "0640"}}
	if err := in.Decode(&c.settings); err != nil {
		return nil, err
	}
	complain := func(setting, message string) error {
		return &connectors.SettingError{Setting: setting, Message: message}
	}
	if c.Path == "" {
		return nil, complain("path", "is missing: the folder that the system watches")
	}
	if c.Attachments != "beside" && c.Attachments != "folder" && c.Attachments != "omit" {
		return nil, complain("attachments", "is beside, folder or omit")
	}
	if c.Marker != "none" && c.Marker != "done" && c.Marker != "manifest" {
		return nil, complain("marker", "is none, done or manifest")
	}
	if c.Remember < 24*time.Hour {
		return nil, complain("remember", "is at least 24h: a delivery may be repeated until then")
	}
	mode, err := strconv.ParseUint(c.Mode, 8, 32)
	if c.mode = os.FileMode(mode); err != nil || mode > 0o777 || mode&0o600 != 0o600 {
		return nil, complain("mode", `is octal and lets the hub read and write, "0640" say`)
	}
	if err := c.compileName(); err != nil {
		return nil, complain("file", err.Error())
	}
	return c, nil
}

// compileName cuts up the file name. It has to differ from delivery to delivery.
func (c *config) compileName() error {
	rest, distinct := c.File, false
	if strings.ContainsAny(rest, `/\`) {
		return errors.New("is a name, not a path")
	}
	for rest != "" {
		before, after, ok := strings.Cut(rest, "{")
		if before != "" {
			c.name = append(c.name, piece{text: before})
		}
		if !ok {
			break
		}
		name, tail, closed := strings.Cut(after, "}")
		field := fields[name]
		if !closed || field == nil {
			return fmt.Errorf("{%s is none of {id}, {submission}, {number}, {municipality}, {service}, {role}, {name}", after)
		}
		distinct = distinct || name == "id" || name == "number" || name == "submission"
		c.name = append(c.name, piece{field: field})
		rest = tail
	}
	if !distinct {
		return errors.New("needs {number}, {submission} or {id}, or deliveries would share a name")
	}
	return nil
}

func (c *config) fileName(m *connectors.Message) string {
	var b strings.Builder
	for _, p := range c.name {
		if p.field != nil {
			b.WriteString(safe(p.field(m)))
		} else {
			b.WriteString(p.text)
		}
	}
	return b.String()
}

// safe makes a text fit for a part of a file name on any system: a citizen's
// attachment may be called "../../etc/passwd" or "CON".
func safe(text string) string {
	out := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_', r == '.':
			return r
		}
		if s, ok := umlauts[r]; ok {
			return s
		}
		return '_'
	}, text)
	out = strings.Trim(strings.ReplaceAll(out, "..", "_"), ".")
	if len(out) > 100 { // keep the ending
		ext := filepath.Ext(out)
		if len(ext) > 10 {
			ext = ""
		}
		out = out[:100-len(ext)] + ext
	}
	if out == "" {
		return "_"
	}
	return out
}

// umlauts are kept apart from each other as far as one letter can.
var umlauts = map[rune]rune{'ä': 'a', 'ö': 'o', 'ü': 'u', 'Ä': 'A', 'Ö': 'O', 'Ü': 'U', 'ß': 's', 'é': 'e', 'è': 'e', 'ç': 'c'}

// Traits: receipts make every delivery repeatable.
func (c *config) Traits() connectors.Traits {
	return connectors.Traits{Repeatable: true, Askable: true}
}

// Open does not touch the folder: a share that is not mounted is a fault of the
// attempt, not of the start.
func (c *config) Open(env connectors.Environment) (connectors.Connector, error) {
	path := c.Path
	if !filepath.IsAbs(path) {
		path = filepath.Join(env.Dir, path)
	}
	now := env.Now
	if now == nil {
		now = time.Now
	}
	return &Connector{config: c, path: path, now: now, closed: make(chan struct{}), busy: map[string]bool{}}, nil
}
