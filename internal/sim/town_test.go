package sim_test

import (
	"bytes"
	"context"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/text/encoding/charmap"

	"stellwerk/internal/sim"
)

func town(t *testing.T, o sim.Options) (*sim.Town, sim.Client) {
	t.Helper()
	ignore := goleak.IgnoreCurrent()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	tw, err := sim.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tw.Close(); err != nil {
			t.Error(err)
		}
		http.DefaultClient.CloseIdleConnections()
		goleak.VerifyNone(t, ignore, goleak.IgnoreAnyFunction("net/http.(*conn).serve"))
	})
	return tw, sim.Client{Control: tw.Control}
}

type call struct {
	method, url, body string
	header            map[string]string
}

func (c call) do(t *testing.T) (int, string) {
	t.Helper()
	status, body, err := c.try(t)
	if err != nil {
		t.Fatal(err)
	}
	return status, body
}

func (c call) try(t *testing.T) (int, string, error) {
	t.Helper()
	if c.method == "" {
		c.method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(t.Context(), c.method, c.url, strings.NewReader(c.body))
	if err != nil {
		t.Fatal(err)
	}
	req.GetBody = nil // or net/http itself would send it again
	for k, v := range c.header {
		req.Header.Set(k, v)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, string(b), err
}

const assessment = `{"mandant":"05999040","vorgangsart":"neu","referenz":"7K2M-0001","abgabeart":"hundesteuer",
"zahlungspflichtiger":{"name":"Beispiel","vorname":"Jörg","geburtsdatum":"1979-08-23","strasse":"Musterweg","hausnummer":"12","plz":"59999","ort":"Musterstadt"},
"gegenstand":{"chip":"276098100000017"},"beginn":"2026-03-01","jahresbetrag":"85.80",
"zahlung":{"iban":"DE89370400440532013000","kontoinhaber":"Jörg Beispiel"}}`

const notice = `{"vorgang":"7K2M-0001","halter":{"name":"Beispiel","vorname":"Jörg","strasse":"Musterweg","plz":"59999","ort":"Musterstadt"},
"hunde":[{"rasse":"labrador-retriever","chip":"276098100000017","schulterhoehe":57,"gewicht":31.5,"gelistet":false}]}`

func TestDesksRefuse(t *testing.T) {
	tw, client := town(t, sim.Options{})
	for i, test := range []struct {
		desk, old, new string
		status         int
		says           string
	}{
		{"finance", "", "", 201, "kassenzeichen"},
		{"finance", "DE89370400440532013000", "DE88370400440532013000", 422, "Prüfziffern"},
		{"finance", "DE89370400440532013000", "de89 3704 0044 0532 0130 00", 422, "keine IBAN"},
		{"finance", `"2026-03-01"`, `"2026-03-02"`, 422, "Erste eines Monats"},
		{"finance", `"2026-03-01"`, `"2026-02-30"`, 422, "kein Datum"},
		{"finance", `"85.80"`, `"85,80"`, 422, "Betrag"},
		{"finance", `"plz":"59999"`, `"plz":59`, 422, "Postleitzahl"},
		{"finance", `"ort":"Musterstadt"`, `"ort":"Musterstadt","steuer-idnr":"86095742719"`, 422, "IdNr"},
		{"finance", `"jahresbetrag":"85.80",`, ``, 422, "jahresbetrag"},
		{"finance", `"mandant":"05999040",`, ``, 422, "fehlt"},
		{"finance", `"abgabeart"`, `"haustier":"ja","abgabeart"`, 422, "nicht vorgesehen"},
		{"finance", assessment, `[]`, 422, "JSON-Objekt"},
		{"finance", assessment, assessment + "{}", 422, "nach dem Ende"},
		{"public-order", "", "", 201, "vorgang"},
		{"public-order", `"gewicht":31.5`, `"gewicht":31.5,"iban":"DE89370400440532013000"`, 422, "nicht vorgesehen"},
		{"public-order", `276098100000017`, `27609810000001`, 422, "15 Ziffern"},
		{"public-order", `"schulterhoehe":57,"gewicht":31.5`, `"schulterhoehe":39,"gewicht":19.9`, 422, "nicht zuständig"},
		{"public-order", `"hunde":[`, `"hunde":[],"x":[`, 422, "Liste"},
		{"public-order", `"rasse":"labrador-retriever",`, ``, 422, "hunde[0].rasse"},
	} {
		url, body := tw.Finance+"/veranlagungen", assessment
		if test.desk == "public-order" {
			url, body = tw.PublicOrder+"/meldungen", notice
		}
		if test.old != "" {
			body = strings.Replace(body, test.old, test.new, 1)
		}
		status, answer := call{url: url, body: body, header: map[string]string{"Idempotency-Key": strconv.Itoa(i), "Content-Type": "application/json"}}.do(t)
		if status != test.status || !strings.Contains(answer, test.says) {
			t.Errorf("%s, %s for %s: %d %s", test.desk, test.new, test.old, status, answer)
		}
	}
	for _, desk := range []string{"finance", "public-order"} {
		if got, err := client.Received(t.Context(), desk, 0); err != nil || len(got) != 1 {
			t.Errorf("%s has taken %d documents (%v)", desk, len(got), err)
		}
	}
	if status, _ := (call{url: tw.Finance + "/veranlagungen", body: assessment, header: map[string]string{"Content-Type": "application/json"}}).do(t); status != 400 {
		t.Errorf("without a key: %d", status)
	}
}

func TestKeysAreRecognised(t *testing.T) {
	tw, client := town(t, sim.Options{})
	c := call{url: tw.Finance + "/veranlagungen", body: assessment, header: map[string]string{"Idempotency-Key": "k1", "Content-Type": "application/json"}}
	status, first := c.do(t)
	again, second := c.do(t)
	if status != 201 || again != 200 || first != second {
		t.Errorf("got %d %s, then %d %s", status, first, again, second)
	}
	c.body = strings.Replace(c.body, "Jörg", "Jürgen", 1)
	if status, _ := c.do(t); status != 409 {
		t.Errorf("other content under the same key: %d", status)
	}
	partners, err := client.Partners(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := partners[0].Counts; partners[0].Name != "finance" || got != (sim.Counts{Taken: 1, Repeated: 1, Altered: 1}) {
		t.Errorf("%s counts %+v", partners[0].Name, got)
	}
	if err := client.Suffer(t.Context(), "finance", sim.Faults{Forgetful: true}); err != nil {
		t.Fatal(err)
	}
	c.do(t)
	if got, _ := client.Received(t.Context(), "finance", 1); len(got) != 1 {
		t.Error("a forgetful partner recognises a key")
	}
}

func TestFaults(t *testing.T) {
	tw, client := town(t, sim.Options{})
	c := call{url: tw.Sink + "/probe/x", body: "x", header: map[string]string{"Idempotency-Key": "k"}}
	suffer := func(f sim.Faults) {
		t.Helper()
		if err := client.Suffer(t.Context(), "sink", f); err != nil {
			t.Fatal(err)
		}
	}
	arrived := func() int {
		t.Helper()
		counts, err := client.SinkCounts(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return counts.Documents
	}
	for name, f := range map[string]sim.Faults{"down": {Down: true}, "torn": {Torn: true}} {
		suffer(f)
		if _, _, err := c.try(t); err == nil || arrived() != 0 {
			t.Errorf("%s: error %v, %d documents", name, err, arrived())
		}
	}
	suffer(sim.Faults{Status: 503, RetryAfter: 9, Times: 1})
	if status, _ := c.do(t); status != 503 || arrived() != 0 {
		t.Errorf("status is %d", status)
	}
	if status, _ := c.do(t); status != 201 || arrived() != 1 {
		t.Errorf("after the fault: %d", status)
	}
	c.header["Idempotency-Key"] = "lost"
	suffer(sim.Faults{AnswerLost: true})
	if _, _, err := c.try(t); err == nil || arrived() != 2 {
		t.Errorf("answer lost: error %v, %d documents", err, arrived())
	}
	suffer(sim.Faults{Refuse: "böse"})
	c.body, c.header["Idempotency-Key"] = "das ist böse", "refused"
	if status, _ := c.do(t); status != 422 || arrived() != 2 {
		t.Errorf("refused: %d, %d documents", status, arrived())
	}
	for _, wrong := range []sim.Faults{{Delay: "bald"}, {Status: 7}} {
		if err := client.Suffer(t.Context(), "sink", wrong); err == nil {
			t.Errorf("%+v is accepted", wrong)
		}
	}
	if err := client.Suffer(t.Context(), "nobody", sim.Faults{}); err == nil {
		t.Error("there is a partner nobody")
	}
}

func TestSinkRemembers(t *testing.T) {
	dir := t.TempDir()
	o := sim.Options{Dir: dir, SinkLog: true, Mark: "LOAD-"}
	var want []sim.Arrived
	t.Run("first life", func(t *testing.T) {
		tw, client := town(t, o)
		for _, d := range [][2]string{{"0197f3a2-6c00-7000-8000-000000000001", "<a>LOAD-17</a>"}, {"0197f3a2-6c00-7000-8000-000000000002", "LOAD-18"}, {"0197f3a2-6c00-7000-8000-000000000002", "LOAD-19"}} {
			call{url: tw.Sink + "/kasse", body: d[1], header: map[string]string{"Idempotency-Key": d[0]}}.do(t)
		}
		want = account(t, client)
		counts, err := client.SinkCounts(t.Context())
		if err != nil || counts.Documents != 2 || counts.Repeated != 1 || counts.Altered != 1 || counts.Systems["kasse"] != 2 {
			t.Errorf("the counts are %+v, %v", counts, err)
		}
		if len(want) != 2 || want[0].Mark != "LOAD-17" || want[0].System != "kasse" || !want[1].Altered || want[1].Times != 2 {
			t.Errorf("the account is %+v", want)
		}
	})
	log := filepath.Join(dir, "sink.log")
	f, err := os.OpenFile(log, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = f.WriteString(`{"id":"torn`)
	_ = f.Close()
	t.Run("second life", func(t *testing.T) {
		_, client := town(t, o)
		if got := account(t, client); !slices.Equal(got, want) {
			t.Errorf("after the restart: %+v, want %+v", got, want)
		}
	})
	if err := os.WriteFile(log, []byte("damaged\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if tw, err := sim.Start(t.Context(), o); err == nil {
		_ = tw.Close()
		t.Error("a damaged log is accepted")
	}
}

func account(t *testing.T, c sim.Client) (all []sim.Arrived) {
	t.Helper()
	if err := c.Arrived(t.Context(), func(a sim.Arrived) error { all = append(all, a); return nil }); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestTownEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	tw, err := sim.Start(ctx, sim.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := tw.Close(); err != nil {
		t.Error(err)
	}
	if _, err := http.Get(tw.Control + "/control/partners"); err == nil {
		t.Error("the town still answers")
	}
	if _, err := sim.Start(t.Context(), sim.Options{}); err == nil {
		t.Error("a town without a folder starts")
	}
}

// line lays values into a line of blanks: position from 1, value.
func line(values ...any) string {
	b := []rune(strings.Repeat(" ", 420))
	for i := 0; i < len(values); i += 2 {
		copy(b[values[i].(int)-1:], []rune(values[i+1].(string)))
	}
	return string(b)
}

func cashFile() []string {
	return []string{
		line(1, "V005999040", 11, "7K2M-0001", 47, "20260302"),
		line(1, "V1N", 4, "7K2M-0001", 18, "001", 21, "Müßig", 61, "Jörg", 91, "19790823", 151, "59999", 206, "1280",
			223, "276098100000017", 238, "20260301", 246, "01", 249, "00000008580", 270, "DE89370400440532013000"),
		line(1, "V9000001000000000008580"),
	}
}

// A town that cannot start ends what it has begun, even servers that had no time to
// begin: one processor makes sure of those.
func TestTownThatCannotStartEnds(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	ignore := goleak.IgnoreCurrent()
	defer func() { goleak.VerifyNone(t, ignore) }()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	ended := make(chan error, 1)
	go func() {
		_, err := sim.Start(t.Context(), sim.Options{Dir: t.TempDir(), Listen: map[string]string{"control": taken.Addr().String()}})
		ended <- err
	}()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("it started at an address that is taken")
		}
	case <-time.After(time.Minute):
		t.Fatal("it does not end")
	}
}

func TestCashOffice(t *testing.T) {
	tw, client := town(t, sim.Options{})
	latin := charmap.Windows1252.NewEncoder()
	drop := func(name, content string) string {
		t.Helper()
		if err := os.WriteFile(filepath.Join(tw.CashOffice, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := client.Scan(t.Context(), "cash-office"); err != nil {
			t.Fatal(err)
		}
		protocols, err := client.Rejected(t.Context(), "cash-office")
		if err != nil {
			t.Fatal(err)
		}
		return protocols[name]
	}
	encoded := func(lines []string) string {
		s, err := latin.String(strings.Join(lines, "\r\n") + "\r\n")
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if p := drop("gut.txt", encoded(cashFile())); p != "" {
		t.Fatalf("a good file is rejected: %s", p)
	}
	for name, test := range map[string]struct {
		change func([]string) []string
		says   string
	}{
		"short line":    {func(l []string) []string { l[1] = l[1][:400]; return l }, "Zeichen statt 420"},
		"wrong count":   {func(l []string) []string { l[2] = line(1, "V9000002000000000008580"); return l }, "gezählt sind 1"},
		"wrong sum":     {func(l []string) []string { l[2] = line(1, "V9000001000000000008581"); return l }, "addiert sind 8580"},
		"wrong iban":    {func(l []string) []string { l[1] = strings.Replace(l[1], "DE89", "DE98", 1); return l }, "Prüfziffern"},
		"no name":       {func(l []string) []string { l[1] = strings.Replace(l[1], "Müßig", "     ", 1); return l }, "name: fehlt"},
		"not the first": {func(l []string) []string { l[1] = strings.Replace(l[1], "20260301", "20260302", 1); return l }, "Erste eines Monats"},
		"numbers out":   {func(l []string) []string { l[1] = strings.Replace(l[1], "     001", "     002", 1); return l }, "zählt nicht"},
		"rest":          {func(l []string) []string { l[1] = l[1][:len(l[1])-1] + "x"; return l }, "hinter dem letzten"},
		"wrong record":  {func(l []string) []string { l[1] = "V2" + l[1][2:]; return l }, "beginnt nicht mit V1"},
		"no records":    {func(l []string) []string { return []string{l[0], l[2]} }, "fehlen"},
		"wrong chip": {func(l []string) []string {
			l[1] = strings.Replace(l[1], "276098100000017", "27609810000001 ", 1)
			return l
		}, "15 Ziffern"},
		"wrong birth date": {func(l []string) []string { l[1] = strings.Replace(l[1], "19790823", "19790832", 1); return l }, "kein Datum"},
	} {
		if p := drop(name+".txt", encoded(test.change(cashFile()))); !strings.Contains(p, test.says) {
			t.Errorf("%s: the protocol says %q", name, p)
		}
	}
	if p := drop("utf8.txt", strings.Join(cashFile(), "\r\n")+"\r\n"); !strings.Contains(p, "UTF-8") {
		t.Errorf("UTF-8: %q", p)
	}
	if p := drop("halb.txt", strings.TrimSuffix(encoded(cashFile()), "\r\n")); !strings.Contains(p, "unvollständig") {
		t.Errorf("torn: %q", p)
	}
	if p := drop("control.txt", strings.Replace(encoded(cashFile()), "7K2M-0001", "7K2M\x00-001", 1)); !strings.Contains(p, "windows-1252 nicht") {
		t.Errorf("NUL: %q", p)
	}
	if p := drop("doppelt.txt", encoded(cashFile())); !strings.Contains(p, "schon eingelesen") {
		t.Errorf("same content again: %q", p)
	}
	got, err := client.Received(t.Context(), "cash-office", 0)
	if err != nil || len(got) != 1 || got[0].Answer["kassenzeichen-1"] == "" {
		t.Errorf("the cash office has %+v (%v)", got, err)
	}
}

func TestRecordsRefuse(t *testing.T) {
	tw, _ := town(t, sim.Options{})
	post := func(params, file string, content []byte, change func(*http.Request)) (int, string) {
		t.Helper()
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		_ = w.WriteField("params", params)
		if file != "" {
			p, _ := w.CreateFormFile("giattachmenttype", file)
			_, _ = p.Write(content)
		}
		_ = w.Close()
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, tw.Records+"/incomings", &b)
		req.SetBasicAuth(sim.User, sim.Password)
		req.Header.Set("x-anwendung", "STELLWERK")
		req.Header.Set("userlogin", "eingang")
		req.Header.Set("Content-Type", w.FormDataContentType())
		if change != nil {
			change(req)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		answer, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(answer)
	}
	if status, answer := post(`{"shortname":"Anmeldung 7K2M"}`, "a.pdf", []byte("%PDF"), nil); status != 200 || !strings.Contains(answer, "(0010 A20") {
		t.Errorf("good: %d %s", status, answer)
	}
	for name, test := range map[string]struct {
		params, file, content string
		change                func(*http.Request)
		status                int
	}{
		"no title":        {params: `{"filesubj":"x"}`, status: 400},
		"unknown field":   {params: `{"shortname":"x","hund":"Bello"}`, status: 400},
		"no json":         {params: `<x/>`, status: 400},
		"wrong address":   {params: `{"shortname":"x","referrednumber":"4711"}`, status: 400},
		"wrong date":      {params: `{"shortname":"x","delivery":"2.3.2026"}`, status: 400},
		"semicolon":       {params: `{"shortname":"x","objterms":"Hund;"}`, status: 400},
		"empty file":      {params: `{"shortname":"x"}`, file: "a.pdf", status: 400},
		"no ending":       {params: `{"shortname":"x"}`, file: "a", content: "x", status: 400},
		"wrong password":  {params: `{"shortname":"x"}`, change: func(r *http.Request) { r.SetBasicAuth(sim.User, "x") }, status: 401},
		"nobody's errand": {params: `{"shortname":"x"}`, change: func(r *http.Request) { r.Header.Del("userlogin") }, status: 400},
	} {
		if status, answer := post(test.params, test.file, []byte(test.content), test.change); status != test.status {
			t.Errorf("%s: %d %s", name, status, answer)
		}
	}
}
