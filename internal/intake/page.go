package intake

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

var (
	//go:embed page.html
	pageText string
	//go:embed page.css
	pageStyle string
)

// pagePolicy lets the page use its own style sheet, by its hash, and nothing else.
var pagePolicy = func() string {
	sum := sha256.Sum256([]byte(pageStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}()

// general takes the places for single values out of a sentence.
func general(detail string) string {
	return strings.NewReplacer("%s", "…", "%d", "…").Replace(detail)
}

// pageData is the description as the page shows it.
type pageData struct {
	Title, Summary string
	Description    []string // paragraphs
	Style          template.CSS
	Groups         []pageGroup
	Schemas        []pageSchema
	Problems       []ProblemKind
	Cases          []Trouble
	Example        string
}

type pageGroup struct {
	Name, Description string
	Operations        []pageOperation
}

type pageOperation struct {
	ID, Method, Path, Summary string
	Description               []string // paragraphs
	Open                      bool     // without a key
	Parameters                []pageField
	Bodies                    []pageBody
	Answers                   []pageAnswer
}

// pageBody is one form of a body. Its schema has a name, or its members are named here.
type pageBody struct {
	Type, Schema string
	Members      []pageField
}

type pageAnswer struct {
	Status, Description string
	Bodies              []pageBody
	Headers             []string
}

type pageField struct {
	Name, In, Type, Schema, Description string
	Required                            bool
}

type pageSchema struct {
	Name, Type, Description string
	Fields                  []pageField
}

// renderPage makes the page of the description. A reference that leads nowhere is
// an error, so that the page and the description never part.
func renderPage() ([]byte, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(openapiText, &root); err != nil {
		return nil, fmt.Errorf("read the API's description: %w", err)
	}
	d := &description{root: root.Content[0]}
	data := d.page()
	if d.err != nil {
		return nil, fmt.Errorf("render the API's description: %w", d.err)
	}
	t, err := template.New("page").Parse(pageText)
	if err != nil {
		return nil, fmt.Errorf("read the page: %w", err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, data); err != nil {
		return nil, fmt.Errorf("render the page: %w", err)
	}
	return out.Bytes(), nil
}

// description walks the document in the order it is written.
type description struct {
	root *yaml.Node
	err  error
}

// at gives a member, through aliases and references; nil where there is none.
func (d *description) at(n *yaml.Node, keys ...string) *yaml.Node {
	for _, key := range keys {
		var next *yaml.Node
		d.each(n, func(k string, v *yaml.Node) {
			if k == key {
				next = v
			}
		})
		n = d.follow(next)
	}
	return n
}

// follow resolves an alias and a $ref.
func (d *description) follow(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if ref := reference(n); ref != "" {
		to := d.at(d.root, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
		if to == nil && d.err == nil {
			d.err = fmt.Errorf("%d:%d: %s leads nowhere", n.Line, n.Column, ref)
		}
		return to
	}
	return n
}

// reference is the text of a $ref, "" for any other node.
func reference(n *yaml.Node) string {
	if n == nil || n.Kind != yaml.MappingNode || len(n.Content) < 2 || n.Content[0].Value != "$ref" {
		return ""
	}
	return n.Content[1].Value
}

func (d *description) each(n *yaml.Node, fn func(key string, value *yaml.Node)) {
	if n == nil || n.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		fn(n.Content[i].Value, n.Content[i+1])
	}
}

func (d *description) text(n *yaml.Node, keys ...string) string {
	if n = d.at(n, keys...); n != nil && n.Kind == yaml.ScalarNode {
		return strings.TrimSpace(n.Value)
	}
	return ""
}

// paragraphs are parted by empty lines; other line ends are blanks.
func paragraphs(s string) []string {
	var out []string
	for p := range strings.SplitSeq(s, "\n\n") {
		if p = strings.Join(strings.Fields(p), " "); p != "" {
			out = append(out, p)
		}
	}
	return out
}

func (d *description) page() pageData {
	p := pageData{
		Title: d.text(d.root, "info", "title"), Summary: d.text(d.root, "info", "summary"),
		Description: paragraphs(d.text(d.root, "info", "description")), Style: template.CSS(pageStyle), Example: pageExample,
	}
	for _, tag := range d.at(d.root, "tags").Content {
		p.Groups = append(p.Groups, pageGroup{Name: d.text(tag, "name"), Description: d.text(tag, "description")})
	}
	operations := func(path string, item *yaml.Node) {
		d.each(item, func(method string, op *yaml.Node) {
			o := d.operation(op)
			o.Method, o.Path = strings.ToUpper(method), path
			tag := d.at(op, "tags").Content[0].Value
			i := slices.IndexFunc(p.Groups, func(g pageGroup) bool { return g.Name == tag })
			if i < 0 {
				d.err = fmt.Errorf("%d:%d: no tag %s", op.Line, op.Column, tag)
				return
			}
			p.Groups[i].Operations = append(p.Groups[i].Operations, o)
		})
	}
	d.each(d.at(d.root, "paths"), operations)
	d.each(d.at(d.root, "webhooks"), operations)
	d.each(d.at(d.root, "components", "schemas"), func(name string, n *yaml.Node) {
		if name != "code" { // the problems have a table of their own
			p.Schemas = append(p.Schemas, pageSchema{
				Name: name, Type: d.typeOf(n), Description: d.text(n, "description"), Fields: d.fields("", n),
			})
		}
	})
	for i := range catalogue {
		p.Problems = append(p.Problems, catalogue[i].kind(german))
	}
	p.Cases = troubles(german)
	return p
}

func (d *description) operation(op *yaml.Node) pageOperation {
	o := pageOperation{ID: d.text(op, "operationId"), Summary: d.text(op, "summary"), Description: paragraphs(d.text(op, "description"))}
	if security := d.at(op, "security"); security != nil {
		o.Open = len(security.Content) == 0
	}
	if list := d.at(op, "parameters"); list != nil {
		for _, n := range list.Content {
			n = d.follow(n)
			o.Parameters = append(o.Parameters, pageField{
				Name: d.text(n, "name"), In: places[d.text(n, "in")], Type: d.typeOf(d.at(n, "schema")),
				Description: d.text(n, "description"), Required: d.text(n, "required") == "true",
			})
		}
	}
	o.Bodies = d.bodies(d.at(op, "requestBody", "content"))
	d.each(d.at(op, "responses"), func(status string, n *yaml.Node) {
		n = d.follow(n)
		answer := pageAnswer{Status: status, Description: d.text(n, "description"), Bodies: d.bodies(d.at(n, "content"))}
		d.each(d.at(n, "headers"), func(name string, _ *yaml.Node) { answer.Headers = append(answer.Headers, name) })
		o.Answers = append(o.Answers, answer)
	})
	return o
}

func (d *description) bodies(content *yaml.Node) (all []pageBody) {
	d.each(content, func(mediaType string, n *yaml.Node) {
		b := pageBody{Type: mediaType, Schema: d.schemaName(n, "schema")}
		if b.Schema == "" {
			for _, f := range d.fields("", d.at(n, "schema")) {
				if !strings.Contains(f.Name, ".") {
					b.Members = append(b.Members, f)
				}
			}
		}
		all = append(all, b)
	})
	return all
}

// schemaName is the name behind the reference at a member, "" where it is written out.
func (d *description) schemaName(n *yaml.Node, key string) (name string) {
	d.each(n, func(k string, v *yaml.Node) {
		if k == key {
			name = strings.TrimPrefix(reference(v), "#/components/schemas/")
		}
	})
	return name
}

// fields lists an object's members, those of objects within it below them.
func (d *description) fields(prefix string, n *yaml.Node) []pageField {
	var required []string
	if list := d.at(n, "required"); list != nil {
		for _, r := range list.Content {
			required = append(required, r.Value)
		}
	}
	var out []pageField
	d.each(d.at(n, "properties"), func(name string, v *yaml.Node) {
		f := pageField{
			Name: prefix + name, Required: slices.Contains(required, name),
			Schema: strings.TrimPrefix(reference(v), "#/components/schemas/"),
		}
		f.Description = d.text(v, "description") // what stands beside a reference is about this place
		v = d.follow(v)
		f.Type = d.typeOf(v)
		if f.Description == "" {
			f.Description = d.text(v, "description")
		}
		below := v
		if items := d.at(v, "items"); items != nil {
			below, f.Name = items, f.Name+"[]"
			d.each(v, func(k string, raw *yaml.Node) {
				if k == "items" && reference(raw) != "" {
					f.Schema, below = strings.TrimPrefix(reference(raw), "#/components/schemas/"), nil
				}
			})
		}
		out = append(out, f)
		if f.Schema == "" {
			out = append(out, d.fields(f.Name+".", below)...)
		}
	})
	return out
}

// typeOf says in a few words what a value is.
func (d *description) typeOf(n *yaml.Node) string {
	if n == nil {
		return ""
	}
	if list := d.at(n, "oneOf"); list != nil {
		var all []string
		for _, one := range list.Content {
			all = append(all, d.typeOf(one))
		}
		return strings.Join(all, " oder ")
	}
	words := []string{types[d.text(n, "type")]}
	if format := d.text(n, "format"); format != "" {
		words = append(words, format)
	}
	if list := d.at(n, "enum"); list != nil {
		var values []string
		for _, v := range list.Content {
			values = append(values, v.Value)
		}
		words = append(words, "("+strings.Join(values, ", ")+")")
	}
	if longest := d.text(n, "maxLength"); longest != "" {
		words = append(words, "bis "+longest+" Zeichen")
	}
	if pattern := d.text(n, "pattern"); pattern != "" {
		words = append(words, pattern)
	}
	return strings.TrimSpace(strings.Join(words, " "))
}

var (
	places = map[string]string{"header": "Kopfzeile", "query": "Suchteil", "path": "Adresse"}
	types  = map[string]string{
		"string": "Text", "integer": "Zahl", "number": "Zahl", "boolean": "true/false", "array": "Liste", "object": "Objekt",
	}
)

// pageExample shows the form with attachments.
const pageExample = `curl -i https://stellwerk.example/v1/submissions \
  -H 'Authorization: Bearer swp_…' \
  -H 'Idempotency-Key: 5b0a3f0e-6b0e-4a53-8d54-0d7f5f2b6a11' \
  -F 'metadata=@metadata.json;type=application/json' \
  -F 'payload=@hundeanmeldung.xml;type=application/xml' \
  -F 'attachment=@impfpass.pdf;type=application/pdf'`
