package xsd

func hasXsi(attrs []Attr, local string) bool {
	for i := range attrs {
		if attrs[i].Name.Space == instanceSpace && attrs[i].Name.Local == local {
			return true
		}
	}
	return false
}

// instanceAttributes reads xsi:type and xsi:nil.
func (v *Validator) instanceAttributes(f *frame, attrs []Attr) {
	for i := range attrs {
		if attrs[i].Name.Space != instanceSpace {
			continue
		}
		switch attrs[i].Name.Local {
		case "type":
			v.xsiType(f, &attrs[i])
		case "nil":
			v.xsiNil(f, &attrs[i])
		}
	}
}

func (v *Validator) xsiType(f *frame, a *Attr) {
	v.values.space = v.values.space[:0]
	qname := v.schema.builtins.byName["QName"].simple
	name, ok := resolveQName(v.values.ns, qname.normalize(&v.values, []byte(a.Value)))
	if !ok {
		v.reportAttr(f, a, v.xsiTypeMalformed())
		return
	}
	t := v.schema.lookupType(name)
	if t == nil {
		v.reportAttr(f, a, v.xsiTypeUnknown(f))
		return
	}
	if f.typ != nil && t != f.typ {
		blocked := f.typ.block
		if f.decl != nil {
			blocked |= f.decl.block
		}
		if !derivedOK(t, f.typ, blocked, v.schema.builtins.anySimp) {
			v.reportAttr(f, a, v.xsiTypeForeign(f))
			return
		}
	}
	f.typ = t
}

func (v *Validator) xsiNil(f *frame, a *Attr) {
	v.values.key, v.values.space = v.values.key[:0], v.values.space[:0]
	boolean := v.schema.builtins.byName["boolean"].simple
	if fl := boolean.check(&v.values, []byte(a.Value), true); fl != nil {
		v.reportAttr(f, a, v.xsiNilMalformed())
		return
	}
	if f.decl == nil {
		return
	}
	yes := string(v.values.key) == "b1"
	switch {
	case !f.decl.nillable:
		v.reportAttr(f, a, v.notNillable(f.decl))
		f.nilled = yes
	case yes && f.decl.value != nil && f.decl.value.fixed:
		v.reportAttr(f, a, v.nilFixed(f.decl))
	case yes:
		f.nilled = true
	}
}

// attributes judges all attributes but those of XML Schema itself; ct is nil for simple types.
func (v *Validator) attributes(f *frame, ct *complexType, attrs []Attr) {
	if ct == nil {
		for i := range attrs {
			if !isXsi(attrs[i].Name) {
				v.reportAttr(f, &attrs[i], v.attributeOnSimple(f, attrs[i].Name))
			} else {
				v.xsiField(f, &attrs[i])
			}
		}
		return
	}
	if len(ct.attrs) > len(v.present) {
		v.present = make([]bool, len(ct.attrs))
	}
	clear(v.present)
	required, wildIDs := 0, 0
	for i := range attrs {
		a := &attrs[i]
		at := -1
		if sym := v.names.sym(v.schema, a.Name); sym >= 0 {
			at = findUse(ct.attrs, sym)
		}
		if at < 0 && isXsi(a.Name) { // every element may have them
			v.xsiField(f, a)
			continue
		}
		if at >= 0 {
			v.present[at] = true
			u := ct.attrs[at]
			if u.required {
				required++
			}
			v.attributeValue(f, a, u.typ, u.value)
			continue
		}
		if ct.wild == nil || !ct.wild.allows(a.Name.Space) {
			v.reportAttr(f, a, v.attributeUnknown(f, a.Name))
			continue
		}
		if ct.wild.process == processSkip {
			continue
		}
		d := v.schema.attributes[a.Name]
		switch {
		case d != nil:
			if isID(d.typ.simple) {
				if wildIDs++; wildIDs > 1 || ct.hasID {
					v.reportAttr(f, a, v.secondID())
				}
			}
			v.attributeValue(f, a, d.typ.simple, d.value)
		case ct.wild.process == processStrict:
			v.reportAttr(f, a, v.attributeUndeclared(a.Name))
		}
	}
	if required < ct.required {
		for i, u := range ct.attrs {
			if u.required && !v.present[i] {
				v.report(f, v.attributeMissing(u))
			}
		}
	}
	if ct.defaults {
		v.defaultAttributes(f, ct)
	}
}

// defaultAttributes counts the values of absent attributes for identity constraints, and the references
// among them.
func (v *Validator) defaultAttributes(f *frame, ct *complexType) {
	for i, u := range ct.attrs {
		if v.present[i] || u.value == nil {
			continue
		}
		if len(v.scopes) > 0 {
			v.attributeField(f, u.name, u.value.key)
		}
		held := v.values.ns
		v.values.ns = u.value.ns
		v.raw = append(v.raw[:0], u.value.lex...)
		if u.typ.check(&v.values, v.raw, false) == nil {
			v.takeIDs(f, &Attr{Name: u.name})
		}
		v.values.ns = held
	}
}

// xsiField lets XML Schema's own attributes be fields of identity constraints, as any attribute is.
func (v *Validator) xsiField(f *frame, a *Attr) {
	if len(v.scopes) > 0 {
		v.attributeField(f, a.Name, a.Value)
	}
}

func isXsi(n Name) bool {
	if n.Space != instanceSpace {
		return false
	}
	switch n.Local {
	case "type", "nil", "schemaLocation", "noNamespaceSchemaLocation":
		return true
	}
	return false
}

func findUse(uses []*attrUse, sym int32) int {
	lo, hi := 0, len(uses)
	for lo < hi {
		m := (lo + hi) / 2
		if uses[m].sym < sym {
			lo = m + 1
		} else {
			hi = m
		}
	}
	if lo < len(uses) && uses[lo].sym == sym {
		return lo
	}
	return -1
}

func (v *Validator) attributeValue(f *frame, a *Attr, s *simpleType, rule *valueRule) {
	v.raw = append(v.raw[:0], a.Value...)
	fixed := rule != nil && rule.fixed
	field := len(v.scopes) > 0 && v.isAttributeField(f, a.Name)
	if fl := s.check(&v.values, v.raw, fixed || field); fl != nil {
		v.ids.pending = v.ids.pending[:0]
		v.reportAttr(f, a, v.badValue(fl, f, a.Name.Local))
		return
	}
	v.takeIDs(f, a)
	if fixed && string(v.values.key) != rule.key {
		v.reportAttr(f, a, v.notFixed("cvc-au", rule, a.Name.Local))
	}
	if field {
		v.attributeField(f, a.Name, string(v.values.key))
	}
}
