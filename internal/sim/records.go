package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"regexp"
	"strings"
	"sync"
	"time"
)

// records is a records system behind the "DMS REST API" 1.2.5 of the city of
// Munich (github.com/it-at-m/eakte-schnittstelle): Basic authentication, headers
// that say for whom, creation answered with 200, and every failure of the DMS
// behind the interface with 400 and a DmsErrorResponse. It knows no key against
// repetition: who sends twice has two incomings.
type records struct {
	*partner

	mu      sync.Mutex
	objects []*object
}

// object is an incoming with its documents and business data.
type object struct {
	address string
	name    string
	files   []reference
	data    map[string]string
}

type reference struct {
	Name    string `json:"objname"`
	Address string `json:"objaddress"`
}

type references struct {
	Objects []reference `json:"giobjecttype"`
}

func newRecords(p *partner) http.Handler {
	d := &records{partner: p}
	p.refuse = func(w http.ResponseWriter) { d.fail(w, "DMS", 422, "Objekt wurde abgelehnt.") }
	m := http.NewServeMux()
	m.HandleFunc("POST /incomings", d.incoming)
	m.HandleFunc("POST /contentObjects", d.content)
	m.HandleFunc("PUT /businessDataValue/{address}", d.businessData)
	m.HandleFunc("POST /searchObjNames/search", d.search)
	m.HandleFunc("GET /documentObjects/{address}", d.documents)
	return d.guard(m)
}

// guard asks for the technical user, and for whom it acts.
func (d *records) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, ok := r.BasicAuth(); !ok || user != User || password != Password {
			w.Header().Set("WWW-Authenticate", `Basic realm="DMS REST API"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if r.Header.Get("x-anwendung") == "" || r.Header.Get("userlogin") == "" {
			d.fail(w, "INTERN", 400, "x-anwendung und userlogin fehlen.")
			return
		}
		if s := d.currentFaults().Behind; s != 0 {
			d.fail(w, "DMS", s, "Das DMS ist gestört.")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// fail is the interface's answer to everything that went wrong behind it.
func (d *records) fail(w http.ResponseWriter, source string, status int, text string) {
	d.refused()
	answer(w, http.StatusBadRequest, struct {
		Source string `json:"fehlerQuelle"`
		Status int    `json:"status"`
		Text   string `json:"text"`
	}{source, status, text})
}

// incomingParams are the fields of CreateIncomingBasisAnfrageDTO.
type incomingParams struct {
	Shortname       string          `json:"shortname"`
	Filesubj        string          `json:"filesubj"`
	Objterms        string          `json:"objterms"`
	Accdef          string          `json:"accdef"`
	Referrednumber  string          `json:"referrednumber"`
	Useou           *bool           `json:"useou"`
	Delivery        *time.Time      `json:"delivery"`
	Foreignnr       string          `json:"foreignnr"`
	Documentremarks string          `json:"documentremarks"`
	Incattachments  string          `json:"incattachments"`
	Definition      string          `json:"definition"`
	Userformsdata   json.RawMessage `json:"userformsdata"`
}

var addressForm = regexp.MustCompile(`^COO(\.[0-9]+){4}$`)

func (p *incomingParams) complaint() string {
	switch {
	case strings.TrimSpace(p.Shortname) == "":
		return "Der Titel (shortname) fehlt."
	case len([]rune(p.Shortname)) > 254:
		return "Der Titel (shortname) ist zu lang."
	case strings.HasSuffix(strings.TrimSpace(p.Objterms), ";"):
		return "Schlagworte (objterms) enden mit einem Semikolon."
	case p.Referrednumber != "" && !addressForm.MatchString(p.Referrednumber):
		return "Der Vorgang (referrednumber) ist keine COO-Adresse."
	}
	return ""
}

func (d *records) incoming(w http.ResponseWriter, r *http.Request) {
	f, err := readForm(r)
	if err != nil {
		d.fail(w, "INTERN", 400, "Der Aufruf ist unvollständig.")
		return
	}
	var params incomingParams
	if err := strict(f.fields["params"], &params); err != nil {
		d.fail(w, "INTERN", 400, "params: "+err.Error())
		return
	}
	if complaint := params.complaint(); complaint != "" {
		d.fail(w, "DMS", 400, complaint)
		return
	}
	if complaint := f.complaint(); complaint != "" {
		d.fail(w, "DMS", 400, complaint)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	n := len(d.objects) + 1
	o := &object{address: fmt.Sprintf("COO.1.2301.1.%d", 1042000+n), name: fmt.Sprintf("%s (0010 A20 011-%d)", params.Shortname, n), data: map[string]string{}}
	d.addFiles(o, f.files)
	d.objects = append(d.objects, o)
	d.take(incoming{id: o.address, contentType: "application/json", body: f.fields["params"], files: f.files}, true, func(int) map[string]string {
		return map[string]string{"objid": o.address, "objname": o.name}
	})
	answer(w, http.StatusOK, struct {
		ID   string `json:"objid"`
		Name string `json:"objname"`
		references
	}{o.address, o.name, references{o.files}})
}

// complaint finds files that the DMS takes for damaged.
func (f *form) complaint() string {
	if len(f.files) != f.part["giattachmenttype"] {
		return "Schriftstücke heißen giattachmenttype."
	}
	for _, file := range f.files {
		if file.Size == 0 || path.Ext(file.Name) == "" {
			return "Ein Schriftstück ist leer oder hat keine Endung."
		}
	}
	return ""
}

func (d *records) addFiles(o *object, files []File) {
	for _, f := range files {
		o.files = append(o.files, reference{f.Name, fmt.Sprintf("%s%03d", o.address, len(o.files)+1)})
	}
}

// find gives the object at an address; nil where there is none.
func (d *records) object(address string) *object {
	for _, o := range d.objects {
		if o.address == address {
			return o
		}
	}
	return nil
}

func (d *records) content(w http.ResponseWriter, r *http.Request) {
	f, err := readForm(r)
	var params struct {
		Referrednumber string   `json:"referrednumber"`
		Filesubj       []string `json:"filesubj"`
	}
	if err == nil {
		err = strict(f.fields["params"], &params)
	}
	if err != nil {
		d.fail(w, "INTERN", 400, "Der Aufruf ist unvollständig.")
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	o := d.object(params.Referrednumber)
	if complaint := f.complaint(); o == nil || complaint != "" || len(f.files) == 0 {
		d.fail(w, "DMS", 404, "Dokument oder Schriftstück fehlt. "+complaint)
		return
	}
	d.addFiles(o, f.files)
	answer(w, http.StatusOK, map[string]string{"objid": o.files[len(o.files)-1].Address})
}

func (d *records) businessData(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Reference string `json:"reference"`
		Value     string `json:"value"`
	}
	if err := readJSON(r.Body, &in); err != nil || in.Reference == "" {
		d.fail(w, "INTERN", 400, "reference fehlt.")
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	o := d.object(r.PathValue("address"))
	if o == nil {
		d.fail(w, "DMS", 404, "Das Objekt gibt es nicht.")
		return
	}
	o.data[in.Reference] = in.Value
	w.WriteHeader(http.StatusNoContent)
}

func (d *records) search(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Search    string `json:"searchstring"`
		Class     string `json:"objclass"`
		Reference string `json:"reference"`
		Value     string `json:"value"`
	}
	if err := readJSON(r.Body, &in); err != nil || in.Search == "" || in.Class == "" {
		d.fail(w, "INTERN", 400, "searchstring und objclass fehlen.")
		return
	}
	found := references{[]reference{}}
	pattern := regexp.MustCompile(`^` + strings.ReplaceAll(regexp.QuoteMeta(in.Search), `\*`, `.*`) + `$`)
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, o := range d.objects {
		if in.Class == "COOELAK@1.1001:Incoming" && pattern.MatchString(o.name) && (in.Reference == "" || o.data[in.Reference] == in.Value) {
			found.Objects = append(found.Objects, reference{o.name, o.address})
		}
	}
	answer(w, http.StatusOK, found)
}

func (d *records) documents(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	o := d.object(r.PathValue("address"))
	if o == nil {
		d.fail(w, "DMS", 404, "Das Objekt gibt es nicht.")
		return
	}
	answer(w, http.StatusOK, references{o.files})
}
