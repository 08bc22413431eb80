package cli

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"stellwerk/internal/intake"
)

// questions ask a form field by field.
type questions struct {
	in    *lines
	out   io.Writer
	form  *form
	now   time.Time
	zone  *time.Location
	given map[string]any // by path: filled in without asking
	known map[string]any // by path: what the service's example has there
}

// lines are what a person types.
type lines struct{ scan *bufio.Scanner }

func newLines(in io.Reader) *lines {
	s := bufio.NewScanner(in)
	s.Buffer(nil, 64<<10)
	return &lines{s}
}

// errFormEnded is input that stops in the middle of a form: nothing is sent then.
var errFormEnded = errors.New("the input ended before the form was complete; nothing was sent")

func (q *questions) say(format string, args ...any) {
	fmt.Fprintln(q.out, cleanLines(fmt.Sprintf(format, args...)))
}

// line asks and gives the trimmed answer.
func (q *questions) line(question string) (string, error) {
	fmt.Fprint(q.out, cleanLines(question)+": ")
	if !q.in.scan.Scan() {
		fmt.Fprintln(q.out)
		if err := q.in.scan.Err(); err != nil {
			return "", fmt.Errorf("read the answer: %w", err)
		}
		return "", &usageError{errFormEnded}
	}
	return strings.TrimSpace(q.in.scan.Text()), nil
}

func (q *questions) yes(question string) (bool, error) {
	for {
		a, err := q.line(question + " [j/n]")
		if err != nil {
			return false, err
		}
		switch strings.ToLower(a) {
		case "j", "ja":
			return true, nil
		case "n", "nein":
			return false, nil
		}
		q.say("  Bitte j oder n.")
	}
}

// machine are the names of values that no person types: where the form has them,
// they are as in the service's example.
var machine = []string{"listURI", "listVersionID", "verzeichnisdienst", "nachrichtentyp"}

// learn notes what an example has at each place; items of arrays share one.
func (q *questions) learn(path string, v any) {
	if q.known == nil {
		q.known = map[string]any{}
	}
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			q.learn(path+"/"+k, x)
		}
	case []any:
		for _, x := range v {
			q.learn(path, x)
		}
		return
	}
	if _, ok := q.known[path]; !ok {
		q.known[path] = v
	}
}

// prefill has what the hub knows itself: header, product and consent.
func (q *questions) prefill(e *counterEntry, town *intake.Municipality, counter, version string) {
	reader := intake.Town{AGS: town.AGS, Name: town.Name}
	if town.Competent != nil {
		reader = *town.Competent
	}
	at := q.now.In(q.zone).Format("2006-01-02T15:04:05.000-07:00")
	const head, consent = "/nachrichtenkopf", "/einwilligung"
	q.given = map[string]any{
		"/produkt": "Stellwerk", "/produkthersteller": "Stellwerk", "/produktversion": version, "/test": nil,
		head + "/identifikation.nachricht/nachrichtenUUID":      uuid.NewString(),
		head + "/identifikation.nachricht/erstellungszeitpunkt": at,
		head + "/leser/kennung":                                 "ags:" + reader.AGS, head + "/leser/name": reader.Name,
		head + "/autor/kennung": "kop:" + counter, head + "/autor/name": "Theke " + town.Name,
		head + "/vorgang":      nil,
		consent + "/erteilt":   e.consent,
		consent + "/fassung":   e.wording,
		consent + "/zeitpunkt": at,
	}
	if e.reference != "" {
		q.given[head+"/vorgang"] = e.reference
	}
}

// run asks everything and gives the finished form.
func (q *questions) run() ([]byte, error) {
	v, err := q.object(q.form, "", 0)
	if err != nil {
		return nil, err
	}
	body, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the form: %w", err)
	}
	return body, nil
}

func (q *questions) object(f *form, path string, depth int) (map[string]any, error) {
	out := map[string]any{}
	coded := slices.ContainsFunc(f.Properties, func(p formField) bool { return p.name == "listURI" })
	for _, p := range f.Properties {
		field, err := p.form.resolve(q.form)
		if err != nil {
			return nil, err
		}
		required := slices.Contains(f.Required, p.name)
		if coded && !required {
			continue // the code says it all
		}
		v, err := q.value(field, p.name, path+"/"+p.name, required, depth)
		if err != nil {
			return nil, err
		}
		if v != nil {
			out[p.name] = v
		}
	}
	return out, nil
}

// value asks for one property; nil where it is left out.
func (q *questions) value(f *form, name, path string, required bool, depth int) (any, error) {
	if depth > 20 {
		return nil, fmt.Errorf("the form refers to itself at %s; give --file", path)
	}
	if v, ok := q.given[path]; ok {
		return v, nil
	}
	if len(f.Const) > 0 {
		return f.Const, nil
	}
	if v, ok := q.known[path]; ok && slices.Contains(machine, name) {
		return v, nil
	}
	label := f.label(name)
	switch {
	case f.Type == "array" && f.Items != nil:
		return q.list(f, label, path, required, depth)
	case len(f.Properties) > 0:
		if !required {
			if want, err := q.yes(indent(depth) + label + " angeben?" + hintOf(f)); !want || err != nil {
				return nil, err
			}
		} else if !q.silent(f, path) {
			q.say("%s", indent(depth)+label+hintOf(f))
		}
		return q.object(f, path, depth+1)
	}
	return q.leaf(f, label, path, required, depth)
}

// silent reports whether nothing below a place will be asked.
func (q *questions) silent(f *form, path string) bool {
	for _, p := range f.Properties {
		at := path + "/" + p.name
		_, given := q.given[at]
		_, known := q.known[at]
		field, err := p.form.resolve(q.form)
		if err != nil {
			return false
		}
		quiet := given || len(field.Const) > 0 || known && slices.Contains(machine, p.name) ||
			len(field.Properties) > 0 && q.silent(field, at)
		if !quiet {
			return false
		}
	}
	return true
}

func (q *questions) list(f *form, label, path string, required bool, depth int) (any, error) {
	item, err := f.Items.resolve(q.form)
	if err != nil {
		return nil, err
	}
	least := f.MinItems
	if required {
		least = max(least, 1)
	}
	var out []any
	for f.MaxItems == 0 || len(out) < f.MaxItems {
		if len(out) >= least {
			question := indent(depth) + label + " angeben?"
			if len(out) > 0 {
				question = indent(depth) + "Noch einmal " + label + "?"
			}
			more, err := q.yes(question)
			if err != nil {
				return nil, err
			}
			if !more {
				break
			}
		}
		var v any
		if len(item.Properties) > 0 {
			q.say("%s", indent(depth)+label+" "+strconv.Itoa(len(out)+1))
			v, err = q.object(item, path, depth+1)
		} else {
			v, err = q.leaf(item, label, path, true, depth)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	if out == nil {
		return nil, nil
	}
	return out, nil
}

func (q *questions) leaf(f *form, label, path string, required bool, depth int) (any, error) {
	question := indent(depth) + label
	switch {
	case len(f.Enum) > 0:
		for i, v := range f.Enum {
			question += choose(i == 0, " [", ", ") + fmt.Sprintf("%d %v", i+1, v)
		}
		question += "]"
	case f.Format == "date":
		question += " (TT.MM.JJJJ)"
	case f.Type == "boolean":
		question += " [j/n]"
	}
	question += hintOf(f)
	if x, ok := q.known[path].(string); ok && label == "Code" {
		question += " (etwa " + x + ")"
	}
	if !required {
		question += " (freiwillig)"
	}
	for {
		a, err := q.line(question)
		if err != nil {
			return nil, err
		}
		if a == "" {
			if !required {
				return nil, nil
			}
			q.say("%s", indent(depth+1)+"Diese Angabe wird gebraucht.")
			continue
		}
		v, complaint := f.read(a)
		if complaint == "" {
			return v, nil
		}
		if x, ok := q.known[path].(string); ok && complaint == otherForm {
			complaint += " Bitte etwa so: " + x
		}
		q.say("%s", indent(depth+1)+complaint)
	}
}

// otherForm is what breaks the pattern of a schema; the service's example shows how it is meant.
const otherForm = "Das hat nicht die Form, die hier erwartet wird."

func indent(depth int) string { return strings.Repeat("  ", depth) }

func hintOf(f *form) string {
	if f.Description == "" {
		return ""
	}
	return " – " + strings.TrimSuffix(oneLine(f.Description), ".")
}

var number10 = regexp.MustCompile(`^-?(0|[1-9][0-9]*)([.][0-9]+)?$`)

// read takes what was typed as the value that the schema wants, or says in German
// what is wrong with it.
func (f *form) read(a string) (v any, complaint string) {
	switch {
	case len(f.Enum) > 0:
		if n, err := strconv.Atoi(a); err == nil && n >= 1 && n <= len(f.Enum) {
			return f.Enum[n-1], ""
		}
		for _, x := range f.Enum {
			if strings.EqualFold(fmt.Sprint(x), a) {
				return x, ""
			}
		}
		return nil, "Bitte eine der Nummern oder eines der Wörter."
	case f.Type == "boolean":
		switch strings.ToLower(a) {
		case "j", "ja":
			return true, ""
		case "n", "nein":
			return false, ""
		}
		return nil, "Bitte j oder n."
	case f.Type == "integer" || f.Type == "number":
		return f.number(a)
	case f.Format == "date":
		if t, err := time.Parse("2.1.2006", a); err == nil {
			return t.Format(time.DateOnly), ""
		}
		if _, err := time.Parse(time.DateOnly, a); err == nil {
			return a, ""
		}
		return nil, "Das ist kein Datum; bitte TT.MM.JJJJ."
	}
	n := utf8.RuneCountInString(a)
	switch {
	case n < f.MinLength:
		return nil, fmt.Sprintf("Bitte mindestens %d Zeichen.", f.MinLength)
	case f.MaxLength > 0 && n > f.MaxLength:
		return nil, fmt.Sprintf("Bitte höchstens %d Zeichen.", f.MaxLength)
	}
	// A pattern of another dialect is the gate's to judge.
	if re, err := regexp.Compile(f.Pattern); err == nil && f.Pattern != "" && !re.MatchString(a) {
		return nil, otherForm
	}
	return a, ""
}

// number takes a number as Germans write it, exactly: no float touches it.
func (f *form) number(a string) (v any, complaint string) {
	a = strings.Replace(a, ",", ".", 1)
	if !number10.MatchString(a) || f.Type == "integer" && strings.Contains(a, ".") {
		return nil, choose(f.Type == "integer", "Das ist keine ganze Zahl.", "Das ist keine Zahl; bitte etwa 8,4.")
	}
	x, ok := new(big.Rat).SetString(a)
	switch {
	case !ok:
		return nil, "Das ist keine Zahl."
	case bound(f.Minimum) != nil && x.Cmp(bound(f.Minimum)) < 0:
		return nil, "Bitte mindestens " + german(f.Minimum) + "."
	case bound(f.Maximum) != nil && x.Cmp(bound(f.Maximum)) > 0:
		return nil, "Bitte höchstens " + german(f.Maximum) + "."
	}
	return json.Number(a), ""
}

// bound is a limit of the schema; nil where it has none.
func bound(n json.Number) *big.Rat {
	if x, ok := new(big.Rat).SetString(string(n)); ok {
		return x
	}
	return nil
}

func german(n json.Number) string { return strings.Replace(string(n), ".", ",", 1) }
