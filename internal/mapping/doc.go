// Package mapping turns one source document into one target document by the
// rules of a mapping file. It parses the file, checks it, applies it, and runs
// the tests that stand in it. It knows no network, no store and no clock: what a
// mapping may use beyond the document is handed over in Env.
//
// The rule of the house is that nothing is lost in silence. Whatever cannot be
// carried exactly (an unknown code, a letter the target's encoding has no place
// for, a value longer than its field, two values where one is wanted) is either
// decided by name in the file or is a *Hold: the delivery waits for a person.
//
// # The file
//
//	revision: 1
//	namespaces: {h: "urn:example:hund"}      # prefixes for paths and, in XML output, for targets
//	output: {format: fixed, encoding: windows-1252, layout: layouts/x.yaml}
//	each: hund                               # one record for each node; absent: one record
//	when: 'listed'                           # only records for which this holds
//	if-none: hold                            # no record left: hold (default) or send
//	let:
//	  listed: {from: rasse/code, in: hunderassen-gelistet}
//	  large:  {expr: 'number("schulterhoehe") >= 40 or number("gewicht") >= 20'}
//	fields:                                  # target: how it is filled; order is the order of the target
//	  person.name: {from: /halter/name, with: [transliterate, upper, cut 30], required: true}
//	header: {fields: {...}}                  # csv and fixed: one record before the others
//	trailer: {fields: {...}}                 # csv and fixed: one after them
//	records: [{type: person, fields: {...}}, {type: hund, each: hund, fields: {...}}]
//	                                         # fixed: several record types instead of each/when/fields
//	unused: [/halter/telefon, /foto]         # left out on purpose, with all below it
//	tests:
//	  - {name: Labrador, given: examples/labrador.xml, expect: examples/labrador.txt}
//	  - {name: Mischling, given: examples/mix.xml, hold: object.breed}
//
// Unknown and repeated keys, anchors, aliases, tags and unquoted scalars with a
// leading zero (plz: 01067) are errors with line and column.
//
// # Sources
//
// A source (from, each, on, the braces of a template) is a path or scheme:name.
//
// A path beginning with / starts at the root element's children; any other
// starts at the current node: the node of the innermost each, else the root.
// A step without a prefix is a local name in whatever namespace; p:name is the
// name in the namespace that the file's namespaces map gives to p. The sender's
// prefixes never matter. Steps: name, p:name, *, ., .., @attribute. Everything
// else of XPath 1.0 (predicates, //, axes, functions) runs too, more slowly:
// telefon[@art='mobil'], //iban, hund[1]/name, normalize-space(halter/name).
// In from, a path that finds more than one node is a hold; say [1] or each.
// White space around a value is not part of it, as it is not to a schema; inside it is kept.
//
//	submission:  id number service reference portal bundle delivery
//	             received-at (RFC 3339, local time) received-on (YYYY-MM-DD) rendered-at
//	municipality: ags ars name
//	meta:        trust-level mailbox email channel clerk consent-at consent-version, and
//	             account/NAME, an attribute of the citizen's account; a let makes it known to expressions
//	answer:      ROLE/KEY, what an earlier delivery brought back: answer:finance/kassenzeichen
//	let:         a name of let, of this record or an enclosing one
//	record:      position (from 1, in the innermost each)
//	attachment:  name type size sha256 id; only below each: submission:attachments
//	records:     count, sum/FIELD; only in header and trailer
//
// from may be a list: the first source that is not empty is taken.
//
// # A field
//
// Exactly one of these says where the value comes from:
//
//	from: SOURCE                     text of a node, or a value of the submission
//	expr: EXPRESSION                 see below
//	const: TEXT
//	template: "Hund {name}, {let:x}" sources in braces; {{ and }} are braces
//	ordinance: NAME[/COLUMN]         the local rate; or {name, column, on: SOURCE, by: {KEY: EXPRESSION}}
//	number-range: NAME               a number that the municipality assigns to the record at hand (or to
//	                                 the submission): the same one wherever it is asked for again
//	fields: {...}                    a group (XML, JSON): targets below this one
//
// and these what happens to it, in this order:
//
//	when: EXPRESSION                 absent from the target unless it holds
//	in: LIST                         true or false: is the value a key of the code list
//	lookup: LIST/COLUMN              the column of the row whose key is the value
//	map: {ja: J, nein: N}            a small code list on the spot
//	with: [STEP, ...]                see Steps
//	required: true                   empty, or only white space, is a hold; beside each: no node is
//	if-empty: omit|keep|null|hold|{const: TEXT}
//	                                 default omit in XML and JSON, keep in csv and fixed; where it is
//	                                 given (or required), white space alone counts as empty. null is
//	                                 JSON's null and xsi:nil
//	else: hold|omit|keep|{const: TEXT}
//	                                 lookup, map, ordinance or a step has no answer; default hold
//	type: string|number|integer|boolean   JSON only; default string
//
// each: SOURCE on a field or group repeats it, in JSON as an array; when filters,
// let adds names. if-empty: keep leaves the empty array of a repeated field.
//
// # Targets
//
// XML: steps parted by /, the last may be @attribute, prefixes from namespaces;
// kopf/id and kopf/zeit share one kopf, kontakt[1]/art and kontakt[2]/art do not (an array in
// JSON). "." is the text of the element itself; a target may be both a text and the parent of
// attributes: code and code/@listURI. An element in which nothing is written is not written, and
// a const attribute alone is nothing where the element has content to wait for.
//
// JSON: steps parted by . or /; \. and \/ stand for themselves. csv: the name of
// the column; a header or trailer has columns of its own, in the order of its fields.
// fixed: the name of the layout's field.
//
// # Output
//
//	format: xml      root (required: name or p:name), namespace (default namespace of targets
//	                 without prefix), xsd (the result is checked against it), schema-location,
//	                 standalone, record (where each puts its records), indent
//	format: json     schema, record, indent
//	format: csv      delimiter (default ;), quote minimal|all|never, formulas keep|escape|hold
//	                 (required: what becomes of a value that a spreadsheet would run), header-line,
//	                 bom, line-ending crlf|lf
//	format: fixed    layout (required), line-ending
//	all              encoding (default utf-8), content-type, file-name (a template)
//
// XML writes what its encoding lacks as character references. Text of 8-bit csv and
// fixed files is composed (NFC) first; what has no place then is a hold.
//
// # Steps
//
//	text        upper lower trim collapse digits | cut N | pad N [left|right] [FILL] |
//	            replace OLD NEW | remove CHARACTERS | prefix TEXT | suffix TEXT |
//	            before TEXT | after TEXT | default TEXT
//	letters     transliterate [ascii|ENCODING] (no argument: ascii) | search-form | nfc | din91379 [A-E] | sepa
//	dates       date FORMAT (D DD M MM YY YYYY HH mm ss) | first-of-month | first-of-next-month |
//	            last-of-month | plus-days N | plus-months N | plus-years N | working-day | plus-working-days N |
//	            not-after DATE-SOURCE (the value stays as it is)
//	money       decimal [PLACES] | cents | from-cents | comma [PLACES] | round PLACES [RULE] |
//	            times N | divide N PLACES [RULE] | pro-rata DATE-SOURCE [RULE]
//	            RULE: half-up (default) half-even down up
//	checks      iban [sepa] (of a country where it can be debited) | bic chip15 plz email ags | match REGEXP | length MIN MAX | one-of A B C
//	codes       lookup LIST/COLUMN | in LIST
//
// Arguments are parted by blanks; quotes (" or ') hold blanks together. A step may also
// be written {replace: [" ", ""]}. Empty values pass steps untouched, but for pad,
// prefix, suffix and default. Dates come as YYYY-MM-DD, with or without a time, or as
// DD.MM.YYYY; cut is the named decision to shorten.
//
// # Expressions
//
// expr-lang with a typed environment: an unknown name or a wrong type fails at load.
// Names: the lets; submission, municipality, meta, attachments with the fields above in
// camelCase; position. Functions: text(path) number(path) count(path) exists(path)
// date(path) sum(path), where path is quoted, or bare if it is one name; they also
// take values: number(x). join("path", ", ") is all its values in one text,
// distinct("path") how many different ones there are. answer(role, key), ordinance("name/column"[, date]), lookup("list/column", v),
// inList("list", v), decimal("1.50"), round(d, places[, rule]), divide(a, b, places[, rule]), proRata(d, months[, rule]),
// min, max, firstOfMonth, firstOfNextMonth, lastOfMonth, plusDays, plusMonths, plusWorkingDays, workingDay,
// monthsLeft(date) (its month to December), months(a, b) (calendar months, both counted), days(a, b),
// age(birth, on), year, month, day, format(date, "DD.MM.YYYY"), upper, lower, trim, concat, coalesce;
// and of expr all, any, none, one, filter, len, the operators in, contains, matches, startsWith, endsWith.
// Numbers are exact decimals, never floats; / is refused, divide says to how many places.
// A missing number or date compares as false and makes what is computed from it missing.
//
// # Local law
//
// An ordinance is the municipality's own file; a mapping names it and gives its keys. A key is
// taken from by, else from the let of the same name; the date from on, else from the ordinance's
// own on, else it is the day of receipt. The column is amount unless another is named. No table,
// no row, no key: a hold that says which. See Ordinance, CodeList and Layout for their files.
package mapping
