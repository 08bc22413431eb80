package xsd

import (
	"fmt"
	"strings"
)

// formWords says what a value of a built-in type looks like.
var formWords = map[primitive][2]string{
	primBoolean:    {"ein Wahrheitswert: true, false, 1 oder 0", "a boolean: true, false, 1 or 0"},
	primDecimal:    {"eine Zahl mit Punkt als Dezimalzeichen, z. B. 12.50", "a number with a decimal point, such as 12.50"},
	primFloat:      {"eine Gleitkommazahl, z. B. 1.5E3, INF oder NaN", "a floating-point number, such as 1.5E3, INF or NaN"},
	primDouble:     {"eine Gleitkommazahl, z. B. 1.5E3, INF oder NaN", "a floating-point number, such as 1.5E3, INF or NaN"},
	primDuration:   {"eine Dauer, z. B. P1Y2M3DT4H5M6S", "a duration, such as P1Y2M3DT4H5M6S"},
	primDateTime:   {"ein Zeitpunkt JJJJ-MM-TTThh:mm:ss, den es gibt", "a date and time YYYY-MM-DDThh:mm:ss that exists"},
	primTime:       {"eine Uhrzeit hh:mm:ss", "a time hh:mm:ss"},
	primDate:       {"ein Datum JJJJ-MM-TT, das es gibt", "a date YYYY-MM-DD that exists"},
	primGYearMonth: {"ein Monat JJJJ-MM", "a month YYYY-MM"},
	primGYear:      {"ein Jahr JJJJ", "a year YYYY"},
	primGMonthDay:  {"ein Tag im Jahr --MM-TT", "a day of the year --MM-DD"},
	primGDay:       {"ein Tag im Monat ---TT", "a day of the month ---DD"},
	primGMonth:     {"ein Monat --MM", "a month --MM"},
	primHexBinary:  {"Bytes als gerade Zahl hexadezimaler Ziffern", "bytes as an even number of hexadecimal digits"},
	primBase64:     {"Bytes in Base64", "bytes in Base64"},
	primAnyURI:     {"eine Adresse (URI)", "an address (URI)"},
	primQName:      {"ein qualifizierter Name mit bekanntem Präfix", "a qualified name with a declared prefix"},
	primNotation:   {"der Name einer Notation des Schemas", "the name of a notation of the schema"},
}

var lexWords = map[lexical][2]string{
	lexInteger:  {"eine ganze Zahl", "a whole number"},
	lexName:     {"ein XML-Name", "an XML name"},
	lexNCName:   {"ein XML-Name ohne Doppelpunkt", "an XML name without a colon"},
	lexNmtoken:  {"ein Wort aus Buchstaben, Ziffern und . - _ :", "a word of letters, digits and . - _ :"},
	lexLanguage: {"eine Sprachkennung, z. B. de oder de-DE", "a language code, such as de or de-DE"},
	lexID:       {"eine Kennung: ein XML-Name ohne Doppelpunkt", "an ID: an XML name without a colon"},
	lexIDREF:    {"ein Verweis: ein XML-Name ohne Doppelpunkt", "a reference: an XML name without a colon"},
	lexEntity:   {"der Name einer Entität des Dokuments", "the name of an entity of the document"},
}

// badValue says why a value is not of its type; attr is empty for elements.
func (v *Validator) badValue(fl *fault, f *frame, attr string) verdict {
	de, en := "Der Wert von "+tag(f.name), "the value of "+tag(f.name)
	if attr != "" {
		de, en = "Der Wert des Attributs "+shorten(attr), "the value of attribute "+shorten(attr)
	}
	whyDe, whyEn := fl.words()
	return verdict{fl.rule, fl.code,
		de + " " + whyDe + ofType(fl.typ.typ, true) + ".",
		en + " " + whyEn + ofType(fl.typ.typ, false) + "."}
}

func (fl *fault) words() (de, en string) {
	switch fl.code {
	case "value-length":
		return fmt.Sprintf("hat die Länge %d; erwartet wird genau %s", fl.actual, fl.limit),
			fmt.Sprintf("has length %d; expected is exactly %s", fl.actual, fl.limit)
	case "value-short":
		if fl.actual == 0 {
			return "ist leer; erwartet wird mindestens die Länge " + fl.limit, "is empty; expected is length " + fl.limit + " at least"
		}
		return fmt.Sprintf("hat die Länge %d; erwartet wird mindestens %s", fl.actual, fl.limit),
			fmt.Sprintf("has length %d; expected is %s at least", fl.actual, fl.limit)
	case "value-long":
		return fmt.Sprintf("hat die Länge %d; erlaubt ist höchstens %s", fl.actual, fl.limit),
			fmt.Sprintf("has length %d; allowed is %s at most", fl.actual, fl.limit)
	case "value-digits":
		return fmt.Sprintf("hat %d Ziffern; erlaubt sind höchstens %s", fl.actual, fl.limit),
			fmt.Sprintf("has %d digits; allowed are %s at most", fl.actual, fl.limit)
	case "value-fraction":
		return fmt.Sprintf("hat %d Nachkommastellen; erlaubt sind höchstens %s", fl.actual, fl.limit),
			fmt.Sprintf("has %d fraction digits; allowed are %s at most", fl.actual, fl.limit)
	case "value-small":
		if fl.rule == "cvc-minExclusive-valid" {
			return "ist zu klein; erwartet wird mehr als " + fl.limit, "is too small; expected is more than " + fl.limit
		}
		return "ist zu klein; erwartet wird mindestens " + fl.limit, "is too small; expected is " + fl.limit + " at least"
	case "value-large":
		if fl.rule == "cvc-maxExclusive-valid" {
			return "ist zu groß; erwartet wird weniger als " + fl.limit, "is too large; expected is less than " + fl.limit
		}
		return "ist zu groß; erlaubt ist höchstens " + fl.limit, "is too large; allowed is " + fl.limit + " at most"
	case "value-pattern":
		p := fl.limit
		if len(p) > 120 {
			p = strings.ToValidUTF8(p[:120], "") + "…"
		}
		return "entspricht nicht dem Muster „" + p + "“", "does not match the pattern " + p
	case "value-not-listed":
		list := enumWords(fl.typ.facets.enumLex)
		return "steht nicht in der Liste der erlaubten Werte: " + list, "is not in the list of allowed values: " + list
	case "entity-unknown":
		return "nennt eine Entität, die das Dokument nicht erklärt", "names an entity the document does not declare"
	case "value-no-member":
		return "gehört zu keinem der erlaubten Typen", "is of none of the allowed types"
	}
	w, ok := lexWords[fl.typ.lex]
	if !ok {
		if w, ok = formWords[fl.typ.prim]; !ok {
			return "hat nicht die erwartete Form", "is not of the form expected"
		}
	}
	return "hat nicht die erwartete Form; erwartet wird " + w[0], "is not of the form expected: " + w[1]
}

func enumWords(words []string) string {
	const most = 12
	if len(words) > most {
		return strings.Join(words[:most], ", ") + fmt.Sprintf(", … (%d)", len(words))
	}
	return strings.Join(words, ", ")
}
