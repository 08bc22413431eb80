package xsd

import (
	"context"
	"io"
)

// Validator judges one document after another by a schema. It belongs to one goroutine at a time.
type Validator struct {
	schema   *Schema
	opts     Options
	values   valueContext
	ids      idTable
	frames   []frame
	depth    int
	buf      []byte // text of the open elements whose text matters
	raw      []byte // the attribute being judged
	present  []bool // which attributes of the type were there
	names    recentNames
	findings []Finding
	full     bool
	started  bool
	events   int
	err      error

	scopes []icScope // identity constraints in force
}

// frame is one open element, and what the next one at its depth can use again.
type frame struct {
	opened
	progress progress
	tables   []icTable // of constraints that hold here or below
}

// opened is what is known of an open element.
type opened struct {
	name     Name
	decl     *element
	typ      *Type
	pos      Pos
	mode     frameMode
	nilled   bool
	off      bool // its content is wrong: one finding is enough
	hasChild bool
	hasText  bool
	collect  bool // its text is kept, from textAt on
	textAt   int
	fields   int // how many field values this element is, for identity constraints
}

type frameMode byte

const (
	modeTyped frameMode = iota
	modeSkip            // below a wildcard that says to skip, or below what cannot be judged
)

const defaultMaxFindings = 100

// NewValidator makes a validator; Reset makes it new again.
func (s *Schema) NewValidator(opts Options) *Validator {
	if opts.MaxFindings <= 0 {
		opts.MaxFindings = defaultMaxFindings
	}
	v := &Validator{schema: s, opts: opts}
	v.values.doc = &v.ids
	v.values.entities = opts.Entities
	v.values.notation = func(n Name) bool { return s.notations[n] }
	return v
}

// Reset forgets the document, keeping what memory it needs for the next one, and sets the context.
func (v *Validator) Reset() {
	for i := range v.frames {
		f := &v.frames[i]
		p := f.progress
		*f = frame{progress: p}
	}
	v.values.ns, v.values.entities = nil, v.opts.Entities
	v.depth, v.buf, v.findings, v.full, v.started, v.events, v.err = 0, v.buf[:0], nil, false, false, 0, nil
	v.ids.pending = v.ids.pending[:0]
	clear(v.ids.ids)
	clear(v.ids.refs)
	v.scopes = v.scopes[:0]
	const keep = 1 << 20 // a huge document's buffers go with it
	if cap(v.buf) > keep {
		v.buf = nil
	}
	if cap(v.values.space) > keep || cap(v.values.key) > keep || cap(v.raw) > keep {
		v.values.space, v.values.key, v.raw = nil, nil, nil
	}
}

// SetContext replaces the context of the options, for validators that are pooled.
func (v *Validator) SetContext(ctx context.Context) { v.opts.Context = ctx }

// Err tells why the judgement was given up; nil if it was not.
func (v *Validator) Err() error { return v.err }

// Type is the type the innermost open element is judged by; nil if none is.
func (v *Validator) Type() *Type {
	if v.depth == 0 {
		return nil
	}
	return v.frames[v.depth-1].typ
}

func (v *Validator) stopped() bool {
	if v.events++; v.events&1023 == 0 && v.err == nil && v.opts.Context != nil {
		v.err = v.opts.Context.Err()
	}
	return v.full || v.err != nil
}

func (v *Validator) push() *frame {
	if v.depth == len(v.frames) {
		v.frames = append(v.frames, frame{})
	}
	f := &v.frames[v.depth]
	f.opened, f.tables = opened{}, f.tables[:0]
	v.depth++
	return f
}

// Start takes a start tag. The name, attributes and namespaces are looked at until it returns.
func (v *Validator) Start(name Name, attrs []Attr, ns Namespaces, pos Pos) {
	if v.stopped() {
		v.depth++ // keeps Start and End in step
		if v.depth > len(v.frames) {
			v.depth--
			v.frames = append(v.frames, frame{})
			v.depth++
		}
		v.frames[v.depth-1].mode = modeSkip
		return
	}
	v.values.ns = ns
	f := v.push()
	f.name, f.pos = name, pos
	sym := v.names.sym(v.schema, name)
	if v.depth == 1 {
		v.started = true
		v.startRoot(f, attrs)
	} else {
		v.startChild(f, &v.frames[v.depth-2], sym, attrs)
	}
	if f.mode == modeSkip {
		if v.opts.TypeOf != nil {
			v.opts.TypeOf(name, nil, pos)
		}
		return
	}
	v.open(f, attrs)
}

func (v *Validator) startRoot(f *frame, attrs []Attr) {
	f.decl = v.schema.elements[f.name]
	if len(v.opts.Roots) > 0 {
		allowed := false
		for _, r := range v.opts.Roots {
			allowed = allowed || r == f.name
		}
		if !allowed {
			v.report(f, v.rootRefused(f.name))
			f.mode = modeSkip
			return
		}
	}
	if f.decl == nil && !hasXsi(attrs, "type") {
		v.report(f, v.rootUnknown(f.name))
		f.mode = modeSkip
	}
}

// startChild finds the declaration of a child in its parent's content model.
func (v *Validator) startChild(f, up *frame, sym int32, attrs []Attr) {
	first := !up.hasChild
	up.hasChild = true
	if up.mode == modeSkip {
		f.mode = modeSkip
		return
	}
	ct := up.typ.complex
	switch {
	case up.nilled:
		v.complainOnce(f, up, v.nilledContent)
		f.mode = modeSkip
	case ct == nil:
		if first {
			v.report(f, v.childInSimple(f.name, up))
		}
		f.mode = modeSkip
	case ct.content == contentText:
		if first {
			v.report(f, v.childInText(f.name, up))
		}
		f.mode = modeSkip
	case ct.model == nil:
		if first {
			v.report(f, v.childInEmpty(f.name, up))
		}
		f.mode = modeSkip
	default:
		v.matchChild(f, up, sym, attrs)
	}
}

func (v *Validator) matchChild(f, up *frame, sym int32, attrs []Attr) {
	m := up.typ.complex.model
	found, ok := up.progress.step(m, sym, f.name.Space)
	if !ok {
		if found, ok = v.recover(f, up, sym); !ok {
			f.mode = modeSkip
			return
		}
	}
	if found.elem != nil {
		f.decl = found.elem
		return
	}
	switch found.wild.process {
	case processSkip:
		f.mode = modeSkip
	default:
		f.decl = v.schema.elements[f.name]
		if f.decl == nil && !hasXsi(attrs, "type") {
			if found.wild.process == processStrict {
				v.report(f, v.strictUnknown(f.name))
				f.mode = modeSkip
				return
			}
			f.typ = v.schema.builtins.anyType
		}
	}
}

// open finds the type of an element and judges its attributes.
func (v *Validator) open(f *frame, attrs []Attr) {
	if f.decl != nil {
		f.typ = f.decl.typ
		if f.decl.abstract {
			v.report(f, v.abstractElement(f.decl))
		}
	}
	told := len(v.findings)
	v.instanceAttributes(f, attrs)
	if f.typ == nil {
		f.mode = modeSkip
		return
	}
	if f.typ.abstract && told == len(v.findings) {
		v.report(f, v.abstractType(f.typ))
	}
	if v.opts.TypeOf != nil {
		v.opts.TypeOf(f.name, f.typ, f.pos)
	}
	ct := f.typ.complex
	v.openScopes(f)
	v.attributes(f, ct, attrs)
	if ct != nil && ct.model != nil {
		f.progress.begin(ct.model)
	}
	hasValue := f.decl != nil && f.decl.value != nil
	if ct == nil || ct.content == contentText || hasValue && ct.content == contentMixed {
		f.collect = true
		f.textAt = len(v.buf)
	}
}

// Text takes character data. It is not kept beyond the element it stands in.
func (v *Validator) Text(data []byte, pos Pos) {
	if v.depth == 0 || len(data) == 0 || v.stopped() {
		return
	}
	f := &v.frames[v.depth-1]
	if f.mode == modeSkip {
		return
	}
	if f.nilled {
		f.hasText = true
		v.complainOnce(f, f, v.nilledContent)
		return
	}
	if f.collect {
		v.buf = append(v.buf, data...)
		f.hasText = true
		return
	}
	ct := f.typ.complex
	if ct.content == contentMixed || f.hasText {
		return
	}
	if ct.content == contentEmpty || !allSpace(data) {
		f.hasText = true
		v.reportAt(f, pos, v.textRefused(f, ct), string(data))
	}
}

func allSpace(b []byte) bool {
	for _, c := range b {
		if !isSpace(c) {
			return false
		}
	}
	return true
}

// End takes an end tag.
func (v *Validator) End(pos Pos) {
	if v.depth == 0 {
		return
	}
	f := &v.frames[v.depth-1]
	if f.mode != modeSkip && !v.full && v.err == nil {
		v.close(f, pos)
	}
	v.depth--
}

func (v *Validator) close(f *frame, pos Pos) {
	ct := f.typ.complex
	switch {
	case f.nilled:
		v.endFields(f, f.typ.simple, "", true)
	case f.collect && (ct == nil || ct.content == contentText):
		v.closeText(f)
	default:
		if f.collect {
			v.closeMixed(f)
		}
		if ct.model != nil && !f.off && !f.progress.done(ct.model) {
			v.reportAt(f, pos, v.incomplete(f), "")
		}
		v.endFields(f, nil, "", false)
	}
	if f.collect {
		v.buf = v.buf[:f.textAt]
	}
	v.closeScopes(f)
}

// closeText judges the value of an element with text alone.
func (v *Validator) closeText(f *frame) {
	s := f.typ.simple
	text := v.buf[f.textAt:]
	var rule *valueRule
	if f.decl != nil {
		rule = f.decl.value
	}
	if f.hasChild {
		v.endFields(f, nil, "", false)
		return
	}
	if len(text) == 0 && rule != nil { // the default or fixed value is the value
		text = append(v.raw[:0], rule.lex...)
		v.raw = text
		held := v.values.ns
		v.values.ns = rule.ns
		defer func() { v.values.ns = held }()
	}
	fixed := rule != nil && rule.fixed
	field := f.fields > 0
	if fl := s.check(&v.values, text, fixed || field); fl != nil {
		v.ids.pending = v.ids.pending[:0]
		v.reportAt(f, f.pos, v.badValue(fl, f, ""), string(text))
		v.endFields(f, s, "", false)
		return
	}
	v.takeIDs(f, nil)
	key := ""
	if field {
		key = string(v.values.key)
	}
	if fixed && !v.equalsFixed(f, s, rule) {
		v.reportAt(f, f.pos, v.notFixed("cvc-elt.5.2.2.2.2", rule, ""), string(text))
	}
	if field {
		v.endFields(f, s, key, false)
	}
}

// equalsFixed compares the value just judged with the one its element is fixed to, read by the type that
// is in force.
func (v *Validator) equalsFixed(f *frame, s *simpleType, rule *valueRule) bool {
	if f.typ == f.decl.typ {
		return string(v.values.key) == rule.key
	}
	key, held := string(v.values.key), v.values.ns
	v.values.ns = rule.ns
	fl := s.check(&v.values, []byte(rule.lex), true)
	v.values.ns = held
	v.ids.pending = v.ids.pending[:0]
	return fl == nil && key == string(v.values.key)
}

// closeMixed compares mixed content with the value it is fixed to.
func (v *Validator) closeMixed(f *frame) {
	rule := f.decl.value
	if !rule.fixed {
		return
	}
	text := v.buf[f.textAt:]
	switch {
	case f.hasChild:
		v.report(f, v.childrenInFixed(f.decl))
	case len(text) > 0 && string(text) != rule.lex:
		v.reportAt(f, f.pos, v.notFixed("cvc-elt.5.2.2.2.1", rule, ""), string(text))
	}
}

// Finish ends the document and gives what was found, in the order it was met.
func (v *Validator) Finish() []Finding {
	if v.started && !v.full && v.err == nil {
		v.openRefs()
	}
	return v.findings
}

// Validate reads a document and judges it. The error says that it could not be read: not well-formed
// (*XMLError), or cut off; findings up to there are given all the same.
func (s *Schema) Validate(ctx context.Context, in io.Reader, opts Options) ([]Finding, error) {
	opts.Context = ctx
	v := s.NewValidator(opts)
	err := readXML(ctx, in, documentSink{v})
	found := v.Finish()
	if err == nil {
		err = v.Err()
	}
	return found, err
}

type documentSink struct{ v *Validator }

func (d documentSink) start(name Name, attrs []Attr, ns *scope, pos Pos) {
	d.v.Start(name, attrs, ns, pos)
}
func (d documentSink) text(data []byte, pos Pos) { d.v.Text(data, pos) }
func (d documentSink) end(pos Pos)               { d.v.End(pos) }
func (d documentSink) unparsed(entity string) {
	d.v.values.entities = append(d.v.values.entities, entity)
}
