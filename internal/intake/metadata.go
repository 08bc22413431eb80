package intake

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"stellwerk/internal/config"
	"stellwerk/internal/hub"
)

// Limits of the metadata.
const (
	maxMetadata = 16 << 10 // bytes of the part metadata
	maxWord     = 64       // characters of service, version, wording
	maxName     = 255      // characters of reference, mailbox
	maxSkew     = 5 * time.Minute
)

// metadata is what a portal says about a submission, beside its content.
type metadata struct {
	municipality string
	service      string
	version      string // of the schema; empty: the newest
	consent      bool
	consentAt    time.Time
	wording      string
	reference    string
	trust        string
	mailbox      string
	clerk        string            // who took the case down; from counters only
	account      map[string]string // attributes of the citizen's account
	via          []string          // the hubs that have handed it on; of a verified envelope only
	bundle       hub.ID            // zero for none
	part         string            // of the bundle
}

// field is one item of the metadata, by its place in JSON and its header.
type field struct {
	pointer string
	header  string
	read    func(m *metadata, value string) (rule string, complaint text)
}

// fields are all items. Consent's given is a boolean in JSON and the words true
// and false in a header.
var fields = []field{
	{"/municipality", "Stellwerk-Municipality", func(m *metadata, v string) (string, text) {
		m.municipality = v
		return fits(agsForm.MatchString(v), "format", agsComplaint)
	}},
	{"/service", "Stellwerk-Service", func(m *metadata, v string) (string, text) {
		m.service = v
		return fits(len(v) <= maxWord && wordForm.MatchString(v), "format", text{
			"Der Dienst heißt so, wie er in /v1/services steht.", "The service is named as in /v1/services."})
	}},
	{"/version", "Stellwerk-Version", func(m *metadata, v string) (string, text) {
		m.version = v
		return fits(len(v) <= maxWord && versionForm.MatchString(v), "format", text{
			"Die Version heißt so, wie sie in /v1/services steht.", "The version is named as in /v1/services."})
	}},
	{"/consent/given", "Stellwerk-Consent", func(m *metadata, v string) (string, text) {
		m.consent = v == "true"
		return fits(v == "true" || v == "false", "format", text{
			"Die Einwilligung ist true oder false.", "The consent is true or false."})
	}},
	{"/consent/at", "Stellwerk-Consent-At", func(m *metadata, v string) (string, text) {
		at, err := time.Parse(time.RFC3339, v)
		m.consentAt = at
		// A clock that was never set says 1970, which is stored as no time; and what in UTC is
		// before the year 0 can be written in no answer.
		return fits(err == nil && len(v) <= 40 && at.Unix() > 0, "format", text{
			"Der Zeitpunkt steht nach RFC 3339 mit Zeitzone da und liegt nach dem Anfang von 1970, etwa 2026-03-01T09:30:00+01:00.",
			"The time is written by RFC 3339 with its zone and lies after the beginning of 1970, such as 2026-03-01T09:30:00+01:00."})
	}},
	{"/consent/wording", "Stellwerk-Consent-Wording", func(m *metadata, v string) (string, text) {
		m.wording = v
		return short(v, maxWord)
	}},
	{"/reference", "Stellwerk-Reference", func(m *metadata, v string) (string, text) {
		m.reference = v
		return short(v, maxName)
	}},
	{"/trust-level", "Stellwerk-Trust-Level", func(m *metadata, v string) (string, text) {
		level, found := strings.CutPrefix(strings.ToLower(v), "stork-qaa-level-")
		ok := found && len(level) == 1 && level >= "1" && level <= "4"
		if ok {
			m.trust = "STORK-QAA-Level-" + level
		}
		return fits(ok, "format", text{
			"Das Vertrauensniveau ist STORK-QAA-Level-1 bis STORK-QAA-Level-4.",
			"The trust level is STORK-QAA-Level-1 to STORK-QAA-Level-4."})
	}},
	{"/mailbox", "Stellwerk-Mailbox", func(m *metadata, v string) (string, text) {
		m.mailbox = v
		return short(v, maxName)
	}},
	{clerkPointer, "Stellwerk-Clerk", func(m *metadata, v string) (string, text) {
		m.clerk = strings.TrimSpace(v)
		return short(v, maxWord)
	}},
	{bundlePointer, "Stellwerk-Bundle", func(m *metadata, v string) (string, text) {
		id, err := hub.ParseID(v)
		m.bundle = id
		return fits(err == nil && id.Ordinal() == 0, "format", text{
			"Die Kennung der Mappe ist die aus der Antwort auf ihr Öffnen.", "The bundle's id is the one in the answer to its opening."})
	}},
	{partPointer, "Stellwerk-Part", func(m *metadata, v string) (string, text) {
		m.part = v
		return fits(len(v) <= maxWord && wordForm.MatchString(v), "format", partComplaint)
	}},
}

const (
	clerkPointer   = "/clerk"
	accountPointer = "/account"
	maxAttributes  = 32 // of an account
	bundlePointer  = "/bundle"
	partPointer    = "/part"
)

var (
	agsForm     = regexp.MustCompile(`^[0-9]{5}([0-9]{3})?$`)
	wordForm    = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	nameForm    = regexp.MustCompile(`^[A-Za-z][0-9A-Za-z._-]*$`)
	accountForm = regexp.MustCompile(`^[A-Za-z][0-9A-Za-z-]{0,40}$`)
	versionForm = regexp.MustCompile(`^[0-9A-Za-z._-]+$`)
)

func fits(ok bool, rule string, complaint text) (string, text) {
	if ok {
		return "", text{}
	}
	return rule, complaint
}

// short takes readable text of limited length. What is not UTF-8 or controls a
// terminal never enters the store.
func short(v string, limit int) (string, text) {
	if utf8.ValidString(v) && utf8.RuneCountInString(v) <= limit && !strings.ContainsFunc(v, unfit) {
		return "", text{}
	}
	if limit == maxName {
		return "length", text{"Höchstens 255 Zeichen UTF-8 ohne Steuerzeichen.", "At most 255 characters of UTF-8 without control characters."}
	}
	return "length", text{"Höchstens 64 Zeichen UTF-8 ohne Steuerzeichen.", "At most 64 characters of UTF-8 without control characters."}
}

// unfit is a character that a clerk would not read as it stands: control characters,
// line and paragraph ends, and what turns the direction of writing, by which
// impfpass-fdp.exe is shown as impfpass-exe.pdf. Marks of direction stay: messengers
// put them into the names of files.
func unfit(r rune) bool {
	return r == utf8.RuneError || unicode.IsControl(r) || r >= 0x2028 && r <= 0x202E || r >= 0x2066 && r <= 0x2069
}

// fromHeaders reads the metadata of a payload that comes alone.
func fromHeaders(h http.Header, l lang) (metadata, []Finding) {
	var m metadata
	var findings []Finding
	for _, f := range fields {
		values := h[f.header]
		switch {
		case len(values) == 0:
		case len(values) > 1:
			findings = append(findings, Finding{Header: f.header, Rule: "twice", Detail: twice.in(l)})
		default:
			if rule, complaint := f.read(&m, values[0]); rule != "" {
				findings = append(findings, Finding{Header: f.header, Rule: rule, Detail: complaint.in(l)})
			}
		}
	}
	return m, findings
}

var (
	twice   = text{"Diese Angabe steht mehrfach da.", "This item stands more than once."}
	unknown = text{"Diese Angabe gibt es nicht.", "There is no such item."}
	notText = text{
		"Hier wird ein Text in Anführungszeichen erwartet. Was nicht bekannt ist, wird weggelassen, nicht null.",
		"A text in quotes is expected here. What is not known is left out, not null."}
	notBool = text{
		"Hier wird true oder false erwartet, ohne Anführungszeichen. Was nicht bekannt ist, wird weggelassen, nicht null.",
		"true or false is expected here, without quotes. What is not known is left out, not null."}
	notAccount = text{
		"Hier wird ein Objekt erwartet; seine Werte sind Texte. Was nicht bekannt ist, wird weggelassen, nicht null.",
		"An object is expected here; its values are texts. What is not known is left out, not null."}
	agsComplaint = text{
		"Der amtliche Gemeindeschlüssel hat acht Ziffern, der eines Kreises fünf, mit führender Null.",
		"The municipality key (AGS) has eight digits, a district's five, with its leading zero."}
	partComplaint = text{"Der Teil heißt so, wie er in /v1/bundle-forms steht.", "The part is named as in /v1/bundle-forms."}
	clerkMissing  = text{"An einer Theke nennt die Anfrage, wer sie stellt.", "At a counter the request says who makes it."}
	counterOnly   = text{
		"Diese Angabe machen nur Portale, die als Theke eingerichtet sind.", "Only portals that are set up as a counter say this."}
	missing = text{"Diese Angabe fehlt.", "This item is missing."}
)

// fromJSON reads the part metadata. Names are taken exactly; one that is unknown
// or stands twice is a finding, so that a misspelt consent is never overlooked.
// malformed is true for what is no JSON object at all.
func fromJSON(body []byte, l lang) (m metadata, findings []Finding, malformed bool) {
	if !utf8.Valid(body) {
		return m, nil, true
	}
	r := metaReader{dec: json.NewDecoder(bytes.NewReader(body)), lang: l, seen: map[string]bool{}}
	r.dec.UseNumber()
	if r.object("", &m) != nil {
		return m, nil, true
	}
	if _, err := r.dec.Token(); err != io.EOF {
		return m, nil, true
	}
	return m, r.findings, false
}

type metaReader struct {
	dec      *json.Decoder
	lang     lang
	seen     map[string]bool
	findings []Finding
}

func (r *metaReader) find(pointer, rule string, complaint text) {
	r.findings = append(r.findings, Finding{Part: "metadata", Pointer: pointer, Rule: rule, Detail: complaint.in(r.lang)})
}

// object reads one object and the one below it, consent.
func (r *metaReader) object(at string, m *metadata) error {
	if t, err := r.dec.Token(); err != nil || t != json.Delim('{') {
		return errNotMetadata
	}
	for r.dec.More() {
		t, err := r.dec.Token()
		if err != nil {
			return err
		}
		name, ok := t.(string)
		if !ok {
			return errNotMetadata
		}
		if err := r.item(at, name, m); err != nil {
			return err
		}
	}
	_, err := r.dec.Token()
	return err
}

func (r *metaReader) item(at, name string, m *metadata) error {
	pointer := at + "/" + name
	f := fieldAt(pointer)
	if strings.Contains(name, "/") {
		f = nil // a name that looks like the way to an item is not that item
	}
	if pointer == accountPointer {
		if r.seen[pointer] {
			r.find(pointer, "twice", twice)
			return r.skip()
		}
		r.seen[pointer] = true
		return r.account(m)
	}
	if f == nil && pointer != "/consent" {
		if len(name) > 40 || !nameForm.MatchString(name) {
			pointer = at // a name may be anything; only a plain word is repeated
		}
		r.find(pointer, "unknown", unknown)
		return r.skip()
	}
	if r.seen[pointer] {
		r.find(pointer, "twice", twice)
		return r.skip()
	}
	r.seen[pointer] = true
	if f == nil {
		return r.object("/consent", m)
	}
	var raw any
	if err := r.dec.Decode(&raw); err != nil {
		return err
	}
	value, ok := raw.(string)
	if given, isBool := raw.(bool); isBool && pointer == "/consent/given" {
		value, ok = "false", true
		if given {
			value = "true"
		}
	} else if pointer == "/consent/given" {
		ok = false
	}
	if !ok {
		complaint := notText
		if pointer == "/consent/given" {
			complaint = notBool
		}
		r.find(pointer, "type", complaint)
		return nil
	}
	if rule, complaint := f.read(m, value); rule != "" {
		r.find(pointer, rule, complaint)
	}
	return nil
}

// account reads the attributes of the citizen's account: names and texts.
func (r *metaReader) account(m *metadata) error {
	if t, err := r.dec.Token(); err != nil {
		return err
	} else if t != json.Delim('{') {
		r.find(accountPointer, "type", notAccount)
		if t == json.Delim('[') {
			return r.leave()
		}
		return nil
	}
	m.account = map[string]string{}
	for r.dec.More() {
		t, err := r.dec.Token()
		if err != nil {
			return err
		}
		name, _ := t.(string)
		var raw any
		if err := r.dec.Decode(&raw); err != nil {
			return err
		}
		value, ok := raw.(string)
		_, again := m.account[name]
		switch rule, complaint := attribute(name, value); {
		case again:
			r.find(accountPointer, "twice", twice)
		case !ok:
			r.find(accountPointer, "type", notAccount)
		case rule != "":
			r.find(accountPointer, rule, complaint)
		case len(m.account) == maxAttributes:
			r.find(accountPointer, "length", tooManyAttributes)
		default:
			m.account[name] = value
		}
	}
	_, err := r.dec.Token()
	return err
}

// attribute checks one attribute of an account. Its name is not repeated in the
// complaint: it may be anything.
func attribute(name, value string) (rule string, complaint text) {
	if !accountForm.MatchString(name) {
		return "format", text{
			"Ein Merkmal des Kontos heißt mit Buchstaben, Ziffern und Bindestrichen, etwa surname.",
			"An attribute of the account is named by letters, digits and hyphens, such as surname."}
	}
	return short(value, maxName)
}

var tooManyAttributes = text{"Höchstens 32 Merkmale.", "At most 32 attributes."}

// leave reads to the end of the array that has begun.
func (r *metaReader) leave() error {
	for r.dec.More() {
		if err := r.skip(); err != nil {
			return err
		}
	}
	_, err := r.dec.Token()
	return err
}

func (r *metaReader) skip() error {
	var raw json.RawMessage
	return r.dec.Decode(&raw)
}

func fieldAt(pointer string) *field {
	for i := range fields {
		if fields[i].pointer == pointer {
			return &fields[i]
		}
	}
	return nil
}

// complete adds what is missing, and what does not fit together. At a counter
// somebody answers for what was taken down: his name goes into the audit trail.
func (m *metadata) complete(findings []Finding, inJSON bool, portal *config.Portal, now time.Time, l lang) []Finding {
	counter := portal.Operator
	complain := func(pointer, rule string, complaint text) {
		f := Finding{Rule: rule, Detail: complaint.in(l)}
		if inJSON {
			f.Part, f.Pointer = "metadata", pointer
		} else {
			f.Header = fieldAt(pointer).header
		}
		for _, have := range findings { // one complaint a place is enough
			if have.Pointer == f.Pointer && have.Header == f.Header {
				return
			}
		}
		findings = append(findings, f)
	}
	if m.municipality == "" {
		complain("/municipality", "required", missing)
	}
	if m.service == "" {
		complain("/service", "required", missing)
	}
	switch {
	case !m.bundle.Zero() && m.part == "":
		complain(partPointer, "required", text{
			"Wer in eine Mappe einreicht, nennt den Teil, der damit gemeint ist.", "What is submitted to a bundle says which part is meant."})
	case m.bundle.Zero() && m.part != "":
		complain(bundlePointer, "required", text{
			"Zu einem Teil gehört die Mappe.", "A part needs its bundle."})
	}
	if m.consent && m.consentAt.IsZero() {
		complain("/consent/at", "required", text{
			"Zur Einwilligung gehört der Zeitpunkt, zu dem sie gegeben wurde.", "A consent needs the time it was given at."})
	}
	switch {
	case counter && m.clerk == "":
		complain(clerkPointer, "required", text{
			"Eine Einreichung an der Theke nennt, wer sie aufgenommen hat.", "What a counter submits says who took it down."})
	case !counter && m.clerk != "":
		complain(clerkPointer, "counter-only", counterOnly)
	}
	if portal.Hub != nil { // what it knows of the citizen is in its envelope, or not believed
		for pointer, given := range map[string]bool{"/trust-level": m.trust != "", "/mailbox": m.mailbox != "", accountPointer: len(m.account) > 0} {
			if given {
				complain(pointer, "envelope-only", text{
					"Diese Angabe macht ein anderes Stellwerk nur im signierten Umschlag.", "Another hub says this in its signed envelope only."})
			}
		}
	}
	if m.consentAt.After(now.Add(maxSkew)) {
		complain("/consent/at", "future", text{
			"Der Zeitpunkt der Einwilligung liegt in der Zukunft.", "The time of the consent lies in the future."})
	}
	return findings
}

var errNotMetadata = errors.New("not a metadata object")
