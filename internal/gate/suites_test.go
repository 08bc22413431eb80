package gate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Documents of the JSON suite that every parser must accept and that are refused
// here all the same. All others whose top level is no object are tested once more
// inside one.
var jsonStricter = map[string]string{
	"y_object_duplicated_key.json":           codeJSONDuplicate,
	"y_object_duplicated_key_and_value.json": codeJSONDuplicate,
	"y_string_null_escape.json":              codeJSONNUL,
	"y_object_escaped_null_in_key.json":      codeJSONNUL,
}

func TestJSONSuite(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(corpora(t, "jsontestsuite"), "test_parsing", "*.json"))
	if err != nil || len(files) != 318 {
		t.Fatalf("%d files, want 318 (%v)", len(files), err)
	}
	for _, file := range files {
		name, body := filepath.Base(file), mustRead(t, file)
		_, err := events(body, "application/json")
		r, refused := IsRefusal(err)
		if err != nil && !refused {
			t.Errorf("%s: %v is no refusal", name, err)
			continue
		}
		inside := fmt.Appendf(nil, `{"x":%s}`, body)
		_, err = events(inside, "application/json")
		in, insideRefused := IsRefusal(err)
		top := bytes.HasPrefix(bytes.TrimSpace(body), []byte("{"))
		switch name[0] {
		case 'y':
			if code := jsonStricter[name]; code != "" {
				if !refused || code != in.Code {
					t.Errorf("%s: got %v, want %s", name, in, code)
				}
				continue
			}
			if refused != !top || refused && r.Code != codeJSONTop {
				t.Errorf("%s: got %v", name, r)
			}
			if insideRefused {
				t.Errorf("%s inside an object: got %v", name, in)
			}
		case 'n':
			if !refused || r.Line < 1 || r.Column < 1 {
				t.Errorf("%s is accepted: %.80q", name, body)
			}
			// Some are only malformed as a whole: nothing at all, or a document that
			// ends what is around it.
			if !insideRefused && name != "n_structure_end_array.json" {
				t.Errorf("%s is accepted inside an object: %.80q", name, body)
			}
		}
	}
}

func TestJSONDepth(t *testing.T) {
	_, err := events(mustRead(t, corpora(t, "json-depth", "unparsable.json")), "application/json")
	if r, ok := IsRefusal(err); !ok || r.Code != codeLimitDepth {
		t.Errorf("got %v", err)
	}
}

func TestUTF8Stress(t *testing.T) {
	body := mustRead(t, corpora(t, "utf8-stress", "UTF-8-test.txt"))
	for i, line := range bytes.Split(body, []byte("\n")) {
		valid := strings.ToValidUTF8(string(line), "") == string(line)
		xml := []byte("<a><![CDATA[" + strings.ReplaceAll(string(line), "]]>", "") + "]]></a>")
		got, err := events(xml, "text/xml")
		_, refused := IsRefusal(err)
		forbidden := strings.ContainsAny(string(line), "\x00\uFFFE\uFFFF")
		if refused != (!valid || forbidden) {
			t.Errorf("line %d: %v %.60q", i+1, err, line)
		}
		if !refused && !strings.Contains(got, strings.Trim(fmt.Sprintf("%q", strings.ReplaceAll(string(line), "\r", "\n")), `"`)) {
			t.Errorf("line %d is not carried: %s", i+1, got)
		}
	}
	for _, file := range []string{"NormalizationTest.txt", "GraphemeBreakTest.txt"} {
		text := string(mustRead(t, corpora(t, "utf8-stress", file)))
		carried(t, text)
	}
}

func TestNaughtyStrings(t *testing.T) {
	var all []string
	if err := json.Unmarshal(mustRead(t, corpora(t, "blns", "blns.json")), &all); err != nil {
		t.Fatal(err)
	}
	if len(all) < 500 {
		t.Fatalf("only %d strings", len(all))
	}
	for _, s := range all {
		carried(t, s)
	}
}

// carried sends a text through both formats: it comes out as it went in, or it is
// refused because XML cannot hold one of its characters.
func carried(t *testing.T, text string) {
	t.Helper()
	body, err := json.Marshal(map[string]string{"a": text})
	if err != nil {
		t.Fatal(err)
	}
	var s texts
	if _, err := Check(t.Context(), body, "application/json", Options{Handlers: []Handler{&s}}); err != nil || s.String() != text {
		t.Errorf("JSON: %.60q became %.60q, %v", text, s.String(), err)
	}
	s.Reset()
	possible := strings.IndexFunc(text, func(r rune) bool { return !isChar(r) }) < 0
	in := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\r", "&#13;").Replace(text)
	_, err = Check(t.Context(), []byte("<a>"+in+"</a>"), "text/xml", Options{Handlers: []Handler{&s}})
	if _, refused := IsRefusal(err); refused == possible || possible && s.String() != text {
		t.Errorf("XML: %.60q became %.60q, %v", text, s.String(), err)
	}
}

// texts joins all the text of a document.
type texts struct{ strings.Builder }

func (*texts) Start(*Start) error           { return nil }
func (s *texts) Text(b []byte, _ Pos) error { s.Write(b); return nil }
func (*texts) End(Name, Pos) error          { return nil }

func TestRealXML(t *testing.T) {
	for _, dir := range []string{corpora(t, "xrechnung"), samples(t)} {
		count := 0
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			switch filepath.Ext(path) {
			case ".xml", ".xsd", ".wsdl":
			default:
				return nil
			}
			count++
			body, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			err = run(body)
			if r, refused := IsRefusal(err); hasDoctype(body) != refused || refused && r.Code != codeXMLDoctype {
				t.Errorf("%s: %v", path, err)
			}
			if err == nil {
				roundTrip(t, body)
			}
			return nil
		})
		if err != nil || count < 50 {
			t.Errorf("%s: %d files, %v", dir, count, err)
		}
	}
}

func TestRealJSON(t *testing.T) {
	path := filepath.Join(samples(t), "fit-connect", "metadata.schema.v1.0.0.json")
	if _, err := events(mustRead(t, path), "application/json"); err != nil {
		t.Error(err)
	}
}
