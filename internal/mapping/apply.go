package mapping

import (
	"path"
	"slices"
	"strings"
	"unicode"

	"github.com/beevik/etree"
)

// Apply renders the document for one submission. root is the root element of the
// gate's tree, which is read and never changed. A *Hold error parks the delivery.
func (m *Mapping) Apply(root *etree.Element, env *Env) (Document, error) {
	if m.Format == Original {
		return m.original(env)
	}
	st := m.start(root, env)
	defer st.end()
	body, h := st.render()
	if st.broken != nil {
		return Document{}, st.broken
	}
	if h != nil {
		return Document{}, h
	}
	doc := Document{Name: m.Name(), Format: m.Format, ContentType: m.out.contentType, Body: body, Records: st.records}
	if doc.FileName, h = st.fileName(); h != nil {
		return Document{}, h
	}
	if h := st.check(body); h != nil {
		return Document{}, h
	}
	return doc, nil
}

// original is the document of Unchanged.
func (m *Mapping) original(env *Env) (Document, error) {
	if env == nil || env.Original == nil {
		return Document{}, &Hold{Mapping: m.Path, Field: "document", Code: CodeNoOriginal, Message: "the payload as it came is not at hand"}
	}
	mediaType, body, err := env.Original()
	if err != nil {
		return Document{}, err
	}
	doc := Document{Name: m.Name(), Format: XML, ContentType: mediaType, Body: body, Records: 1}
	if strings.Contains(mediaType, "json") {
		doc.Format = JSON
	}
	return doc, nil
}

// Name is the document's name: the file name without folder and ending.
func (m *Mapping) Name() string { return strings.TrimSuffix(path.Base(m.Path), path.Ext(m.Path)) }

// render writes the whole document into a buffer of its own.
func (st *state) render() ([]byte, *Hold) {
	m := st.m
	for _, b := range m.blocks {
		if h := st.block(b); h != nil {
			return nil, h
		}
	}
	if st.records == 0 && !slices.ContainsFunc(m.blocks, (*block).mayBeEmpty) {
		h := &Hold{Mapping: m.Path, Line: m.blocks[0].line, Field: "each", Code: CodeNoRecords, Message: "there is nothing to send: no record is left"}
		if st.explain == nil {
			return nil, h
		}
		st.explain.results = append(st.explain.results, FieldResult{Target: h.Field, Line: h.Line, Hold: h})
	}
	if m.Format == XML || m.Format == JSON {
		return slices.Clone(st.out), nil
	}
	st.where = 0
	records := len(st.out)
	if h := st.edge(m.header); h != nil {
		return nil, h
	}
	header := len(st.out)
	if h := st.edge(m.trailer); h != nil {
		return nil, h
	}
	body := make([]byte, 0, len(st.out)+len(m.head)+3)
	if m.out.bom {
		body = append(body, "\uFEFF"...)
	}
	body = append(body, m.head...)
	body = append(body, st.out[records:header]...)
	body = append(body, st.out[:records]...)
	return append(body, st.out[header:]...), nil
}

func (b *block) mayBeEmpty() bool {
	return b.send || len(b.fields) == 1 && b.fields[0].inner != nil && b.fields[0].inner.counts && b.fields[0].inner.send
}

// block writes the records of one block, or the whole of an XML or JSON document.
func (st *state) block(b *block) *Hold {
	if st.m.wrapped {
		return st.document(b)
	}
	return st.eachOf(b, func() *Hold {
		if b.when != nil {
			if yes, ref := b.when.truth(st); ref != nil {
				return st.fail(&field{full: "when", line: b.line}, ref)
			} else if !yes {
				return nil
			}
		}
		st.where = st.records + 1
		h := st.document(b)
		st.records++
		return h
	})
}

func (st *state) document(b *block) *Hold {
	switch st.m.Format {
	case XML:
		return st.xml(b)
	case JSON:
		return st.json(b)
	case CSV:
		return st.csvRecord(b)
	}
	return st.fixedRecord(b)
}

func (st *state) edge(b *block) *Hold {
	if b == nil {
		return nil
	}
	return st.eachOf(b, func() *Hold { return st.document(b) })
}

// leaf gives the value of a field and notes it where the run is explained.
func (st *state) leaf(f *field) (text string, absent bool, h *Hold) {
	if st.explain != nil {
		st.explain.before, st.explain.paragraph = "", ""
	}
	text, absent, ref := st.value(f)
	if st.explain != nil {
		st.explain.note(st, f, text, !absent && ref == nil)
	}
	if ref != nil {
		return "", true, st.fail(f, ref)
	}
	return text, absent, nil
}

// fail makes a hold. Where the run is explained it is noted, and the run goes on.
func (st *state) fail(f *field, ref *refusal) *Hold {
	h := st.hold(f, ref)
	if st.explain == nil {
		return h
	}
	st.explain.blame(st, f, h)
	return nil
}

// add sums a field over the records, by what is written of it: with a comma, too.
func (st *state) add(f *field, text string) *Hold {
	if f.sum < 0 || text == "" {
		return nil
	}
	d, err := ParseDecimal(germanDecimal(text))
	if err == nil {
		sum := st.sums[f.sum]
		if !sum.set {
			sum = decimalOf(0)
		}
		d, err = sum.Add(d)
	}
	if err != nil {
		return st.fail(f, notANumber(err).with(text))
	}
	st.sums[f.sum] = d
	return nil
}

// maxFileName keeps names below what file systems and partners take, with room for a
// temporary ending.
const maxFileName = 200

// fileName renders output.file-name. Characters that mean something to a file system
// are a hold, for two names made equal would overwrite each other.
func (st *state) fileName() (string, *Hold) {
	out := &st.m.out
	if out.fileName == nil {
		return "", nil
	}
	f := &field{full: "file-name", line: out.fileLine}
	name, ref := out.fileName.get(st)
	if ref != nil {
		return "", st.hold(f, ref)
	}
	bad := strings.IndexFunc(name, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("._-+() ", r)
	})
	if bad >= 0 || name == "" || name[0] == '.' || len(name) > maxFileName || strings.TrimSpace(name) != name {
		return "", st.hold(f, &refusal{code: CodeFileName, message: "the name is not fit for a file: letters, digits and . _ - + ( ) within it", value: name})
	}
	return name, nil
}

// check reads an XML document again and asks the schema.
func (st *state) check(body []byte) *Hold {
	f := &field{full: "document", line: 1}
	if st.m.Format == XML {
		if err := reread(body); err != nil {
			return st.hold(f, &refusal{code: CodeNotWellFormed, message: "the document cannot be read again: " + err.Error()})
		}
	}
	if st.m.out.check == nil {
		return nil
	}
	if err := st.m.out.check(body); err != nil {
		return st.hold(f, &refusal{code: CodeSchema, message: "the document does not fit its schema", value: err.Error()})
	}
	return nil
}
