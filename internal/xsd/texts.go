package xsd

import (
	"fmt"
)

// The sentences. Each says what was found, what is allowed or expected; none repeats a value.

func tag(n Name) string { return "<" + shorten(n.Local) + ">" }

func typeName(t *Type) string {
	if t == nil || t.name.Local == "" {
		return ""
	}
	if t.name.Space == schemaSpace {
		return "xs:" + t.name.Local
	}
	return t.name.Local
}

func ofType(t *Type, de bool) string {
	n := typeName(t)
	switch {
	case n == "":
		return ""
	case de:
		return " (Typ " + n + ")"
	}
	return " (type " + n + ")"
}

func (v *Validator) allowedHere(up *frame) (de, en string) {
	elems, wilds := up.progress.expected(up.typ.complex.model)
	done := up.progress.done(up.typ.complex.model)
	de = names(elems, wilds, " oder ", " und %d weitere", "ein Element eines anderen Namensraums")
	en = names(elems, wilds, " or ", " and %d more", "an element of another namespace")
	switch {
	case de == "":
		de, en = "das Ende von "+tag(up.name), "the end of "+tag(up.name)
	case done:
		de, en = de+" oder das Ende von "+tag(up.name), en+" or the end of "+tag(up.name)
	}
	return de, en
}

func (v *Validator) elementUnexpected(n Name, up *frame, sym int32) verdict {
	de, en := v.allowedHere(up)
	t := verdict{"cvc-complex-type.2.4", "element-unexpected",
		fmt.Sprintf("Das Element %s ist hier nicht erlaubt; erwartet wird %s.", tag(n), de),
		fmt.Sprintf("element %s is not allowed here; expected is %s.", tag(n), en)}
	if sym >= 0 {
		return t
	}
	elems, _ := up.progress.expected(up.typ.complex.model)
	for _, e := range elems {
		if e.name.Local == n.Local && e.name.Space != n.Space {
			t.code = "element-namespace"
			isDe, isEn := namespace(shorten(n.Space))
			wantDe, wantEn := namespaceWanted(e.name.Space)
			t.de = fmt.Sprintf("Das Element %s steht %s; erwartet wird es %s.", tag(n), isDe, wantDe)
			t.en = fmt.Sprintf("element %s is in %s; expected is %s.", tag(n), isEn, wantEn)
		}
	}
	return t
}

// namespace says where a name stands; no namespace is said in words.
func namespace(space string) (de, en string) {
	if space == "" {
		return "ohne Namensraum", "no namespace"
	}
	return "im Namensraum „" + space + "“", fmt.Sprintf("namespace %q", space)
}

// namespaceWanted says where it belongs, and how that is written where there is none.
func namespaceWanted(space string) (de, en string) {
	de, en = namespace(space)
	if space == "" {
		return de + ` (xmlns="")`, en + ` (xmlns="")`
	}
	return de, en
}

func (v *Validator) elementMissing(n Name, up *frame, missing []*element) verdict {
	de, en := v.allowedHere(up)
	list := names(missing, nil, ", ", ", … %d", "")
	return verdict{"cvc-complex-type.2.4", "element-missing",
		fmt.Sprintf("Vor %s fehlt %s; erlaubt ist hier %s.", tag(n), list, de),
		fmt.Sprintf("%s is missing before %s; allowed here is %s.", list, tag(n), en)}
}

func (v *Validator) incomplete(f *frame) verdict {
	de, en := v.allowedHere(f)
	return verdict{"cvc-complex-type.2.4", "element-missing",
		fmt.Sprintf("Der Inhalt von %s (ab Zeile %d) ist unvollständig; erwartet wird noch %s.", tag(f.name), f.pos.Line, de),
		fmt.Sprintf("the content of %s (from line %d) is not complete; expected is %s.", tag(f.name), f.pos.Line, en)}
}

func (v *Validator) rootUnknown(n Name) verdict {
	isDe, isEn := namespace(shorten(n.Space))
	t := verdict{"cvc-elt.1", "root-unknown",
		fmt.Sprintf("Das Schema kennt kein Wurzelelement %s %s.", tag(n), isDe),
		fmt.Sprintf("the schema has no root element %s in %s", tag(n), isEn)}
	for o := range v.schema.elements {
		if o.Local == n.Local {
			wantDe, wantEn := namespaceWanted(o.Space)
			t.de += " Erwartet wird es " + wantDe + "."
			t.en += "; expected is " + wantEn
			break
		}
	}
	t.en += "."
	return t
}

func (v *Validator) rootRefused(n Name) verdict {
	list := ""
	for i, r := range v.opts.Roots {
		if i > 0 {
			list += ", "
		}
		list += tag(r)
	}
	return verdict{"cvc-elt.1", "root-refused",
		fmt.Sprintf("Das Wurzelelement %s ist hier nicht zugelassen; erwartet wird %s.", tag(n), list),
		fmt.Sprintf("root element %s is not accepted here; expected is %s.", tag(n), list)}
}

func (v *Validator) strictUnknown(n Name) verdict {
	return verdict{"cvc-complex-type.2.4", "element-undeclared",
		fmt.Sprintf("Für das Element %s gibt es im Schema keine Deklaration; erlaubt sind hier nur deklarierte Elemente.", tag(n)),
		fmt.Sprintf("the schema has no declaration of element %s; only declared elements are allowed here.", tag(n))}
}

func (v *Validator) abstractElement(e *element) verdict {
	return verdict{"cvc-elt.2", "element-abstract",
		fmt.Sprintf("Das Element <%s> ist abstrakt; an seiner Stelle wird ein Element erwartet, das es ersetzt.", e.name.Local),
		fmt.Sprintf("element <%s> is abstract; expected is an element that substitutes it.", e.name.Local)}
}

func (v *Validator) abstractType(t *Type) verdict {
	return verdict{"cvc-type.2", "type-abstract",
		fmt.Sprintf("Der Typ %s ist abstrakt; erwartet wird xsi:type mit einem abgeleiteten Typ.", typeName(t)),
		fmt.Sprintf("type %s is abstract; expected is xsi:type with a type derived from it.", typeName(t))}
}

func (v *Validator) childInSimple(n Name, up *frame) verdict {
	return verdict{"cvc-type.3.1.2", "element-in-text",
		fmt.Sprintf("In %s steht das Element %s; erlaubt ist nur Text%s.", tag(up.name), tag(n), ofType(up.typ, true)),
		fmt.Sprintf("element %s inside %s; only text is allowed%s.", tag(n), tag(up.name), ofType(up.typ, false))}
}

func (v *Validator) childInText(n Name, up *frame) verdict {
	t := v.childInSimple(n, up)
	t.rule = "cvc-complex-type.2.2"
	return t
}

func (v *Validator) childInEmpty(n Name, up *frame) verdict {
	return verdict{"cvc-complex-type.2.1", "content-not-empty",
		fmt.Sprintf("In %s steht das Element %s; das Element muss leer sein.", tag(up.name), tag(n)),
		fmt.Sprintf("element %s inside %s, which must be empty.", tag(n), tag(up.name))}
}

func (v *Validator) textRefused(f *frame, ct *complexType) verdict {
	if ct.content == contentEmpty {
		return verdict{"cvc-complex-type.2.1", "content-not-empty",
			fmt.Sprintf("In %s steht Text; das Element muss leer sein.", tag(f.name)),
			fmt.Sprintf("text inside %s, which must be empty.", tag(f.name))}
	}
	de, en := v.allowedHere(f)
	return verdict{"cvc-complex-type.2.3", "text-unexpected",
		fmt.Sprintf("In %s steht Text; erlaubt sind nur Elemente, hier %s.", tag(f.name), de),
		fmt.Sprintf("text inside %s; only elements are allowed, here %s.", tag(f.name), en)}
}

func (v *Validator) nilledContent() verdict {
	return verdict{"cvc-elt.3.2.1", "nil-not-empty",
		"Das Element ist mit xsi:nil als leer gekennzeichnet, hat aber Inhalt; erwartet wird keiner.",
		"the element is marked empty by xsi:nil, but has content; none is allowed."}
}

func (v *Validator) notNillable(e *element) verdict {
	return verdict{"cvc-elt.3.1", "nil-not-allowed",
		fmt.Sprintf("xsi:nil ist bei <%s> nicht erlaubt; erwartet wird Inhalt.", e.name.Local),
		fmt.Sprintf("xsi:nil is not allowed on <%s>; content is expected.", e.name.Local)}
}

func (v *Validator) nilFixed(e *element) verdict {
	return verdict{"cvc-elt.3.2.2", "nil-not-allowed",
		fmt.Sprintf("xsi:nil ist bei <%s> nicht erlaubt, weil sein Wert fest vorgegeben ist.", e.name.Local),
		fmt.Sprintf("xsi:nil is not allowed on <%s>, whose value is fixed.", e.name.Local)}
}

func (v *Validator) xsiNilMalformed() verdict {
	return verdict{"cvc-elt.3", "value-malformed",
		"Der Wert von xsi:nil ist kein Wahrheitswert; erlaubt sind true, false, 1 und 0.",
		"the value of xsi:nil is no boolean; allowed are true, false, 1 and 0."}
}

func (v *Validator) xsiTypeMalformed() verdict {
	return verdict{"cvc-elt.4.1", "type-malformed",
		"Der Wert von xsi:type ist kein qualifizierter Name mit bekanntem Präfix.",
		"the value of xsi:type is no qualified name with a declared prefix."}
}

func (v *Validator) xsiTypeUnknown(f *frame) verdict {
	return verdict{"cvc-elt.4.2", "type-unknown",
		"Das Schema kennt den mit xsi:type genannten Typ nicht; erwartet wird ein Typ des Schemas" + derivedFrom(f, true) + ".",
		"the schema has no type of the name xsi:type gives; expected is a type of the schema" + derivedFrom(f, false) + "."}
}

func (v *Validator) xsiTypeForeign(f *frame) verdict {
	return verdict{"cvc-elt.4.3", "type-not-derived",
		"Der mit xsi:type genannte Typ ist hier nicht erlaubt; erwartet wird ein Typ" + derivedFrom(f, true) + ".",
		"the type xsi:type names is not allowed here; expected is a type" + derivedFrom(f, false) + "."}
}

func derivedFrom(f *frame, de bool) string {
	n := typeName(f.typ)
	switch {
	case n == "":
		return ""
	case de:
		return ", der aus " + n + " abgeleitet ist"
	}
	return " derived from " + n
}

func (v *Validator) childrenInFixed(e *element) verdict {
	return verdict{"cvc-elt.5.2.2.1", "element-in-text",
		fmt.Sprintf("Der Inhalt von <%s> ist fest vorgegeben; Elemente sind darin nicht erlaubt.", e.name.Local),
		fmt.Sprintf("the content of <%s> is fixed; elements are not allowed in it.", e.name.Local)}
}

func (v *Validator) notFixed(rule string, want *valueRule, attr string) verdict {
	de, en := "Der Wert des Elements", "the value of the element"
	if attr != "" {
		de, en = "Der Wert des Attributs "+shorten(attr), "the value of attribute "+shorten(attr)
	}
	return verdict{rule, "value-not-fixed",
		fmt.Sprintf("%s ist ein anderer als der vorgeschriebene; erwartet wird „%s“.", de, want.lex),
		fmt.Sprintf("%s is not the fixed one; expected is %q.", en, want.lex)}
}

func (v *Validator) attributeOnSimple(f *frame, n Name) verdict {
	return verdict{"cvc-type.3.1.1", "attribute-unexpected",
		fmt.Sprintf("Das Attribut %s ist bei %s nicht erlaubt; das Element hat keine Attribute.", shorten(n.Local), tag(f.name)),
		fmt.Sprintf("attribute %s is not allowed on %s, which has no attributes.", shorten(n.Local), tag(f.name))}
}

func (v *Validator) attributeUnknown(f *frame, n Name) verdict {
	for _, u := range f.typ.complex.attrs {
		if u.name.Local == n.Local {
			return attributeElsewhere(f.name, n, u.name.Space)
		}
	}
	de, en := "keine Attribute", "no attributes"
	for i, u := range f.typ.complex.attrs {
		if i == 0 {
			de = u.name.Local
		} else if i < 8 {
			de += ", " + u.name.Local
		} else {
			de += ", …"
			break
		}
		en = de
	}
	if len(f.typ.complex.attrs) > 0 {
		en = de
	}
	return verdict{"cvc-complex-type.3.2.2", "attribute-unexpected",
		fmt.Sprintf("Das Attribut %s ist bei %s nicht erlaubt; erlaubt sind: %s.", shorten(n.Local), tag(f.name), de),
		fmt.Sprintf("attribute %s is not allowed on %s; allowed are: %s.", shorten(n.Local), tag(f.name), en)}
}

// attributeElsewhere is said of an attribute that is known by its local name.
func attributeElsewhere(of, n Name, space string) verdict {
	hereDe, hereEn := "in keinem Namensraum", "in no namespace"
	if n.Space != "" {
		hereDe, hereEn = "im Namensraum „"+shorten(n.Space)+"“", fmt.Sprintf("in namespace %q", shorten(n.Space))
	}
	wantDe, wantEn := "keiner", "none"
	if space != "" {
		wantDe, wantEn = "der Namensraum „"+space+"“", fmt.Sprintf("namespace %q", space)
	}
	return verdict{"cvc-complex-type.3.2.2", "attribute-namespace",
		fmt.Sprintf("Das Attribut %s von %s steht %s; erwartet wird %s.", shorten(n.Local), tag(of), hereDe, wantDe),
		fmt.Sprintf("attribute %s of %s is %s; expected is %s.", shorten(n.Local), tag(of), hereEn, wantEn)}
}

func (v *Validator) attributeUndeclared(n Name) verdict {
	return verdict{"cvc-complex-type.3.2.2", "attribute-undeclared",
		fmt.Sprintf("Für das Attribut %s gibt es im Schema keine Deklaration; erlaubt sind hier nur deklarierte Attribute.", shorten(n.Local)),
		fmt.Sprintf("the schema has no declaration of attribute %s; only declared attributes are allowed here.", shorten(n.Local))}
}

func (v *Validator) attributeMissing(u *attrUse) verdict {
	return verdict{"cvc-complex-type.4", "attribute-missing",
		fmt.Sprintf("Das Attribut %s fehlt; es ist Pflicht.", u.name.Local),
		fmt.Sprintf("attribute %s is missing; it is required.", u.name.Local)}
}

func (v *Validator) secondID() verdict {
	return verdict{"cvc-complex-type.5", "id-second",
		"Das Element hat mehr als ein Attribut vom Typ ID; erlaubt ist eines.",
		"the element has more than one attribute of type ID; one is allowed."}
}

func (v *Validator) idTwice() verdict {
	return verdict{"cvc-id.2", "id-twice",
		"Diese Kennung (ID) kommt im Dokument schon vor; erwartet wird eine, die nur einmal vorkommt.",
		"this ID is in the document already; expected is one that stands once."}
}

func (v *Validator) refUnknown() verdict {
	return verdict{"cvc-id.1", "id-unknown",
		"Der Verweis (IDREF) nennt eine Kennung, die im Dokument nicht vorkommt.",
		"the reference (IDREF) names an ID the document does not have."}
}

func (v *Validator) fieldTwice(ic *constraint) verdict {
	return verdict{"cvc-identity-constraint.3", "key-field-twice",
		fmt.Sprintf("Ein Feld von „%s“ kommt hier mehrmals vor; erlaubt ist es einmal.", ic.name.Local),
		fmt.Sprintf("a field of %q is here more than once; it is allowed once.", ic.name.Local)}
}

func (v *Validator) fieldNotSimple(ic *constraint) verdict {
	return verdict{"cvc-identity-constraint.3", "key-field-structure",
		fmt.Sprintf("Ein Feld von „%s“ hat hier Elemente zum Inhalt; erwartet wird ein Wert.", ic.name.Local),
		fmt.Sprintf("a field of %q has elements here; a value is expected.", ic.name.Local)}
}

func (v *Validator) keyIncomplete(ic *constraint, field int, val *icValue) verdict {
	if val.maybe {
		return verdict{"cvc-identity-constraint.4.2.3", "key-nil",
			fmt.Sprintf("Feld %d des Schlüssels „%s“ ist ein Element, das nach dem Schema leer sein darf (nillable); in einem Schlüssel darf es das nicht.", field+1, ic.name.Local),
			fmt.Sprintf("field %d of key %q is an element that the schema lets be nil (nillable); in a key it must not.", field+1, ic.name.Local)}
	}
	if val.nilled {
		return verdict{"cvc-identity-constraint.4.2.3", "key-nil",
			fmt.Sprintf("Feld %d des Schlüssels „%s“ ist mit xsi:nil leer; erwartet wird ein Wert.", field+1, ic.name.Local),
			fmt.Sprintf("field %d of key %q is nil; a value is expected.", field+1, ic.name.Local)}
	}
	return verdict{"cvc-identity-constraint.4.2.1", "key-incomplete",
		fmt.Sprintf("Feld %d des Schlüssels „%s“ fehlt.", field+1, ic.name.Local),
		fmt.Sprintf("field %d of key %q is missing.", field+1, ic.name.Local)}
}

func (v *Validator) keyTwice(ic *constraint, first Pos) verdict {
	rule := "cvc-identity-constraint.4.1"
	if ic.kind == constraintKey {
		rule = "cvc-identity-constraint.4.2.2"
	}
	return verdict{rule, "key-twice",
		fmt.Sprintf("Der Wert von „%s“ kommt schon in Zeile %d vor; erwartet wird ein eindeutiger.", ic.name.Local, first.Line),
		fmt.Sprintf("the value of %q is in line %d already; expected is one that stands once.", ic.name.Local, first.Line)}
}

func (v *Validator) refDangling(ic *constraint) verdict {
	return verdict{"cvc-identity-constraint.4.3", "keyref-unknown",
		fmt.Sprintf("Der Verweis „%s“ nennt einen Wert, den „%s“ nicht hat.", ic.name.Local, ic.refer.name.Local),
		fmt.Sprintf("reference %q has a value that %q does not have.", ic.name.Local, ic.refer.name.Local)}
}
