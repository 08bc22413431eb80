package gate

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// leaves gives the errors that say something by themselves, about so many as are
// enough. Of alternatives that
// all fail it follows the one that was meant, if that can be told.
func leaves(e *jsonschema.ValidationError, to []*jsonschema.ValidationError, enough int) []*jsonschema.ValidationError {
	if len(to) >= enough {
		return to
	}
	if len(e.Causes) == 0 {
		return append(to, e)
	}
	switch k := e.ErrorKind.(type) {
	case *kind.AnyOf:
		return alternatives(e, to, enough)
	case *kind.OneOf:
		if len(k.Subschemas) > 0 {
			return append(to, e)
		}
		return alternatives(e, to, enough)
	case *kind.Not, *kind.Contains, *kind.PropertyNames:
		return append(to, e)
	}
	for _, c := range e.Causes {
		to = leaves(c, to, enough)
	}
	return to
}

func alternatives(e *jsonschema.ValidationError, to []*jsonschema.ValidationError, enough int) []*jsonschema.ValidationError {
	var meant []*jsonschema.ValidationError
	candidates, deepest := 0, len(e.InstanceLocation)
	var deep []*jsonschema.ValidationError
	for _, c := range e.Causes {
		ls := leaves(c, nil, enough)
		other := false
		for _, l := range ls {
			here := len(l.InstanceLocation) == len(e.InstanceLocation)
			switch l.ErrorKind.(type) {
			case *kind.Type, *kind.Const, *kind.Enum, *kind.FalseSchema:
				other = other || here
			}
			if len(l.InstanceLocation) > deepest {
				deepest, deep = len(l.InstanceLocation), ls
			}
		}
		if !other {
			candidates++
			meant = ls
		}
	}
	switch {
	case candidates == 1:
		return append(to, meant...)
	case deep != nil:
		return append(to, deep...)
	}
	return append(to, e)
}

// objection is what one error says, about a value below its place if below is set.
type objection struct {
	rule   string
	de, en string
	below  []string
}

// objections puts an error into words. Values of the document never occur in them,
// keys of the document only if known says so; words and numbers of the schema do.
func objections(e *jsonschema.ValidationError, known func(string) bool) []objection {
	one := func(rule, de, en string) []objection { return []objection{{rule: rule, de: de, en: en}} }
	switch k := e.ErrorKind.(type) {
	case *kind.Type:
		de, en := typeNames(k.Want)
		return one("type", "Hier wird "+de+" erwartet.", "expected here: "+en)
	case *kind.Required:
		return missing("required", k.Missing)
	case *kind.DependentRequired:
		return missing("dependentRequired", k.Missing)
	case *kind.Dependency:
		return missing("dependencies", k.Missing)
	case *kind.AdditionalProperties:
		var all []objection
		for _, p := range k.Properties {
			o := objection{rule: "additionalProperties", below: []string{p},
				de: "Dieser Schlüssel ist hier nicht vorgesehen. Bitte Schreibweise prüfen oder weglassen.",
				en: "this key is not allowed here; check its spelling or leave it out"}
			if known(p) {
				o.de = "Der Schlüssel „" + p + "“ ist hier nicht vorgesehen. Bitte Schreibweise prüfen oder weglassen."
				o.en = "the key " + strconv.Quote(p) + " is not allowed here; check its spelling or leave it out"
			}
			all = append(all, o)
		}
		return all
	case *kind.Enum:
		if list := literals(k.Want); list != "" {
			return one("enum", "Erlaubt ist hier nur einer dieser Werte: "+list+".", "only one of these values is allowed here: "+list)
		}
		return one("enum", "Dieser Wert gehört nicht zu den erlaubten.", "this value is not among those allowed")
	case *kind.Const:
		if list := literals([]any{k.Want}); list != "" {
			return one("const", "Hier ist nur der Wert "+list+" erlaubt.", "only the value "+list+" is allowed here")
		}
		return one("const", "Dieser Wert ist hier nicht erlaubt.", "this value is not allowed here")
	case *kind.Format:
		de, en := formatNames(k.Want)
		return one("format", "Hier wird "+de+" erwartet.", "expected here: "+en)
	case *kind.Pattern:
		return one("pattern", "Der Text hat nicht die vorgeschriebene Form (Muster "+k.Want+").", "the text does not have the required form (pattern "+k.Want+")")
	case *kind.MinLength:
		if k.Want == 1 {
			return one("minLength", "Der Text ist leer. Bitte ausfüllen.", "the text is empty; fill it in")
		}
		return one("minLength", fmt.Sprintf("Der Text ist zu kurz. Mindestens %d Zeichen sind nötig.", k.Want), fmt.Sprintf("the text is too short; at least %d characters are needed", k.Want))
	case *kind.MaxLength:
		return one("maxLength", fmt.Sprintf("Der Text ist zu lang. Höchstens %d Zeichen sind erlaubt.", k.Want), fmt.Sprintf("the text is too long; at most %d characters are allowed", k.Want))
	case *kind.Minimum:
		return one("minimum", "Die Zahl ist zu klein. Mindestens "+decimal(k.Want)+" ist erlaubt.", "the number is too small; at least "+decimal(k.Want)+" is allowed")
	case *kind.Maximum:
		return one("maximum", "Die Zahl ist zu groß. Höchstens "+decimal(k.Want)+" ist erlaubt.", "the number is too large; at most "+decimal(k.Want)+" is allowed")
	case *kind.ExclusiveMinimum:
		return one("exclusiveMinimum", "Die Zahl muss größer als "+decimal(k.Want)+" sein.", "the number must be greater than "+decimal(k.Want))
	case *kind.ExclusiveMaximum:
		return one("exclusiveMaximum", "Die Zahl muss kleiner als "+decimal(k.Want)+" sein.", "the number must be less than "+decimal(k.Want))
	case *kind.MultipleOf:
		return one("multipleOf", "Die Zahl muss ein Vielfaches von "+decimal(k.Want)+" sein.", "the number must be a multiple of "+decimal(k.Want))
	case *kind.MinItems:
		if k.Want == 1 {
			return one("minItems", "Die Liste ist leer. Mindestens ein Eintrag ist nötig.", "the list is empty; at least one item is needed")
		}
		return one("minItems", fmt.Sprintf("Die Liste ist zu kurz. Mindestens %d Einträge sind nötig.", k.Want), fmt.Sprintf("the list is too short; at least %d items are needed", k.Want))
	case *kind.MaxItems:
		return one("maxItems", fmt.Sprintf("Die Liste ist zu lang. Höchstens %d Einträge sind erlaubt.", k.Want), fmt.Sprintf("the list is too long; at most %d items are allowed", k.Want))
	case *kind.UniqueItems:
		return one("uniqueItems", fmt.Sprintf("Die Einträge %d und %d der Liste sind gleich. Bitte einen weglassen.", k.Duplicates[0]+1, k.Duplicates[1]+1), fmt.Sprintf("the items %d and %d of the list are equal; leave one out", k.Duplicates[0]+1, k.Duplicates[1]+1))
	case *kind.Contains:
		return one("contains", "In der Liste fehlt ein vorgeschriebener Eintrag.", "the list lacks a required item")
	case *kind.MinContains:
		return one("minContains", fmt.Sprintf("In der Liste fehlen vorgeschriebene Einträge; mindestens %d sind nötig.", k.Want), fmt.Sprintf("the list lacks required items; at least %d are needed", k.Want))
	case *kind.MaxContains:
		return one("maxContains", fmt.Sprintf("Von den vorgeschriebenen Einträgen sind höchstens %d erlaubt.", k.Want), fmt.Sprintf("at most %d of the required items are allowed", k.Want))
	case *kind.MinProperties:
		return one("minProperties", fmt.Sprintf("Das Objekt hat zu wenige Schlüssel. Mindestens %d sind nötig.", k.Want), fmt.Sprintf("the object has too few keys; at least %d are needed", k.Want))
	case *kind.MaxProperties:
		return one("maxProperties", fmt.Sprintf("Das Objekt hat zu viele Schlüssel. Höchstens %d sind erlaubt.", k.Want), fmt.Sprintf("the object has too many keys; at most %d are allowed", k.Want))
	case *kind.PropertyNames:
		return one("propertyNames", "Ein Schlüssel dieses Objekts hat nicht die vorgeschriebene Form.", "a key of this object does not have the required form")
	case *kind.OneOf:
		if len(k.Subschemas) > 0 {
			return one("oneOf", "Die Angaben passen auf mehrere Möglichkeiten, die sich ausschließen. Bitte nur eine angeben.", "the data fits several alternatives that exclude each other; give one only")
		}
		return one("oneOf", "Die Angaben passen auf keine der vorgesehenen Möglichkeiten.", "the data fits none of the alternatives")
	case *kind.AnyOf:
		return one("anyOf", "Die Angaben passen auf keine der vorgesehenen Möglichkeiten.", "the data fits none of the alternatives")
	case *kind.Not:
		return one("not", "Diese Angabe ist hier ausgeschlossen.", "this is ruled out here")
	case *kind.FalseSchema:
		return one("false", "Diese Angabe ist hier nicht vorgesehen. Bitte weglassen.", "this is not allowed here; leave it out")
	}
	rule := "schema"
	if p := e.ErrorKind.KeywordPath(); len(p) > 0 {
		rule = p[0]
	}
	return one(rule, "Die Angabe entspricht nicht dem Schema (Regel "+rule+").", "this does not conform to the schema (rule "+rule+")")
}

func missing(rule string, keys []string) []objection {
	var all []objection
	for _, key := range keys {
		all = append(all, objection{rule: rule,
			de: "Hier fehlt die Angabe „" + key + "“. Bitte ergänzen.",
			en: strconv.Quote(key) + " is missing here; add it"})
	}
	return all
}

// literals lists values of the schema, or gives "" where that would be no help.
func literals(values []any) string {
	if len(values) > 12 {
		return ""
	}
	var words []string
	for _, v := range values {
		switch v.(type) {
		case map[string]any, []any:
			return ""
		}
		b, err := json.Marshal(v)
		if err != nil || len(b) > 60 {
			return ""
		}
		words = append(words, string(b))
	}
	return strings.Join(words, ", ")
}

func decimal(r *big.Rat) string {
	if r.IsInt() {
		return r.RatString()
	}
	return strings.TrimRight(r.FloatString(12), "0")
}

func typeNames(want []string) (de, en string) {
	words := map[string][2]string{
		"string": {"ein Text", "a string"}, "number": {"eine Zahl", "a number"}, "integer": {"eine ganze Zahl", "an integer"},
		"boolean": {"true oder false", "true or false"}, "object": {"ein Objekt", "an object"},
		"array": {"eine Liste", "an array"}, "null": {"null", "null"},
	}
	var d, e []string
	for _, w := range want {
		d, e = append(d, words[w][0]), append(e, words[w][1])
	}
	return strings.Join(d, " oder "), strings.Join(e, " or ")
}

func formatNames(format string) (de, en string) {
	switch format {
	case "date":
		return "ein Datum in der Form JJJJ-MM-TT", "a date written YYYY-MM-DD"
	case "date-time":
		return "ein Zeitpunkt in der Form JJJJ-MM-TTThh:mm:ss mit Zeitzone", "a time written YYYY-MM-DDThh:mm:ss with a time zone"
	case "time":
		return "eine Uhrzeit in der Form hh:mm:ss mit Zeitzone", "a time of day written hh:mm:ss with a time zone"
	case "email":
		return "eine E-Mail-Adresse", "an e-mail address"
	case "uri", "iri":
		return "eine vollständige Webadresse (URI)", "an absolute URI"
	case "uuid":
		return "eine UUID", "a UUID"
	}
	return "ein Wert im Format „" + format + "“", "a value in the format " + strconv.Quote(format)
}
