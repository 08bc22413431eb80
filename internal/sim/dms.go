package sim

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
)

// dms takes documents as d.velop does: a file first, as a blob, then the object
// that points to it. It refuses calls without its own address as Origin.
type dms struct {
	*partner

	mu    sync.Mutex
	blobs map[string]File
	seq   int
}

func newDMS(p *partner) http.Handler {
	d := &dms{partner: p, blobs: map[string]File{}}
	p.refuse = func(w http.ResponseWriter) {
		p.refused()
		answer(w, http.StatusBadRequest, map[string]string{"reason": "abgelehnt"})
	}
	m := http.NewServeMux()
	m.HandleFunc("GET /dms/r/{repo}", d.repository)
	m.HandleFunc("POST /dms/r/{repo}/blob/chunk", d.blob)
	m.HandleFunc("POST /dms/r/{repo}/o2m", d.create)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Authorization") != "Bearer "+Password:
			w.WriteHeader(http.StatusUnauthorized)
		case r.Method != http.MethodGet && r.Header.Get("Origin") != "http://"+r.Host:
			w.WriteHeader(http.StatusForbidden)
		default:
			m.ServeHTTP(w, r)
		}
	})
}

func (d *dms) repository(w http.ResponseWriter, r *http.Request) {
	base := "/dms/r/" + r.PathValue("repo")
	answer(w, http.StatusOK, map[string]any{"_links": map[string]any{
		"dmsobjectwithmapping": map[string]string{"href": base + "/o2m"},
		"chunkedupload":        map[string]string{"href": base + "/blob/chunk"},
	}})
}

func (d *dms) blob(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // broke off
	}
	if len(body) == 0 {
		d.refuse(w)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seq++
	uri := fmt.Sprintf("/dms/r/%s/blob/chunk/%06d", r.PathValue("repo"), d.seq)
	d.blobs[uri] = File{Size: int64(len(body)), SHA256: checksum(body), ContentType: r.Header.Get("Content-Type")}
	w.Header().Set("Location", uri)
	w.WriteHeader(http.StatusCreated)
}

// objectParams are the fields of the call o2m.
type objectParams struct {
	SourceID         string `json:"sourceId"`
	SourceCategory   string `json:"sourceCategory"`
	SourceProperties struct {
		Properties []struct {
			Key    string   `json:"key"`
			Values []string `json:"values"`
		} `json:"properties"`
	} `json:"sourceProperties"`
	Filename           string `json:"filename"`
	ContentLocationURI string `json:"contentLocationUri"`
}

func (d *dms) create(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // broke off
	}
	var in objectParams
	if err := strict(body, &in); err != nil || in.SourceID == "" || in.SourceCategory == "" || in.Filename == "" || len(in.SourceProperties.Properties) == 0 {
		d.refuse(w)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	file, ok := d.blobs[in.ContentLocationURI]
	if !ok {
		d.refuse(w)
		return
	}
	delete(d.blobs, in.ContentLocationURI)
	file.Name = in.Filename
	d.seq++
	uri := fmt.Sprintf("/dms/r/%s/o2/T%09d", r.PathValue("repo"), d.seq)
	d.take(incoming{id: uri, contentType: "application/json", body: body, files: []File{file}}, true, func(int) map[string]string {
		return map[string]string{"dokument": uri}
	})
	w.Header().Set("Location", uri)
	w.WriteHeader(http.StatusCreated)
}

// strict reads JSON and refuses what it does not know.
func strict(body []byte, into any) error {
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.DisallowUnknownFields()
	return d.Decode(into)
}
