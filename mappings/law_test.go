package mappings_test

import (
	"context"
	"maps"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"stellwerk/internal/config"
	"stellwerk/internal/gate"
	"stellwerk/internal/mapping"
	"stellwerk/mappings"
	"stellwerk/routes"
)

// What the table of fees has no row for is not to be had: it is neither ordered nor taxed, and a size that
// is none of the list's is not guessed from its digits.
func TestBinsThatAreNotToBeHad(t *testing.T) {
	for dir, ags := range map[string]string{"soest": "05974040", "musterstadt": "05999040", "fourth": "05998016"} {
		b, ok := load(t, "../testdata/"+dir).Binding(ags, "abfallbehaelter-anmeldung")
		if !ok {
			t.Fatal(dir)
		}
		example, err := routes.FS.ReadFile("abfallbehaelter-anmeldung/examples/neubau.xml")
		if err != nil {
			t.Fatal(err)
		}
		for size, held := range map[string]bool{"80": false, "120": false, "90": true, "500": true, "080": true, "80.0": true} {
			body := strings.Replace(string(example), "<code>80</code>", "<code>"+size+"</code>", 1)
			tree, err := gate.Tree(context.Background(), []byte(body), "application/xml", gate.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			got := leave(t, b, "abfallbehaelter-anmeldung", tree.Root())
			for _, role := range []string{"waste", "finance"} {
				if strings.HasPrefix(got[role], "held: ") != held {
					t.Errorf("%s, %s litres: %s gets %s", dir, size, role, got[role])
				}
			}
		}
	}
}

// What is named twice is there once: neither a tag nor a bin is paid for, fetched or taken off a bill again.
func TestNothingIsCountedTwice(t *testing.T) {
	snaps := map[string]*config.Snapshot{"05974040": load(t, "../testdata/soest"), "05998016": load(t, "../testdata/fourth")}
	for _, tt := range []struct{ service, example, was, now, roles string }{
		{"hundemarke", "zwei", "<h:name>Flocke</h:name>", "<h:name>Flocke</h:name><h:chip>276098100000017</h:chip>", "payment"},
		{"hundemarke", "zwei", "<h:name>Flocke</h:name>", "<h:name>Flocke</h:name><h:marke>2026-0815</h:marke>", "payment"},
		{"hundeabmeldung", "weggezogen", "</h:gross>\n    <h:ende>", "</h:gross><h:marke><h:nummer>2026-0901</h:nummer><h:verbleib>verloren</h:verbleib></h:marke><h:ende>", "finance"},
		{"abfallbehaelter-abmeldung", "verkauf", "B-120-30013", "B-120-30012", "waste finance"},
		{"abfallbehaelter-abmeldung", "verkauf", "R-080-30011", "B-120-30012", "waste finance"},
		{"abfallbehaelter-abmeldung", "verkauf", "<a:anzahl>2<", "<a:anzahl>1<", "waste finance"},
		{"abfallbehaelter-anmeldung", "groessenwechsel", "B-120-20416", "R-060-11873", "waste finance"},
		{"abfallbehaelter-anmeldung", "groessenwechsel", ">tauschen<", ">aufstellen<", "waste"}, // a new bin, or one in place of another?
	} {
		file, err := routes.FS.ReadFile(tt.service + "/examples/" + tt.example + ".xml")
		if err != nil {
			t.Fatal(err)
		}
		twice := strings.Replace(string(file), tt.was, tt.now, 1)
		if twice == string(file) {
			t.Fatalf("%s has no %s", tt.example, tt.was)
		}
		for ags, snap := range snaps {
			b, ok := snap.Binding(ags, tt.service)
			if !ok {
				t.Fatal(ags, tt.service)
			}
			for _, body := range []string{string(file), twice} {
				tree, err := gate.Tree(context.Background(), []byte(body), "application/xml", gate.Limits{})
				if err != nil {
					t.Fatal(err)
				}
				got := leave(t, b, tt.service, tree.Root())
				for _, role := range strings.Fields(tt.roles) {
					if got[role] == "" || strings.HasPrefix(got[role], "held: ") != (body == twice) {
						t.Errorf("%s, %s with %s: %s gets %s", ags, tt.service, tt.now, role, got[role])
					}
				}
			}
		}
	}
}

// The share of a year is reckoned by the rate of the months it is for. Where the rate changes among them, no
// single one is right, and a person decides.
func TestRateThatChangesWithinTheYear(t *testing.T) {
	b := map[string]*config.Binding{}
	snap := load(t, "../testdata/musterstadt")
	for _, service := range []string{"hundeanmeldung", "hundeabmeldung", "abfallbehaelter-anmeldung", "abfallbehaelter-abmeldung"} {
		b[service], _ = snap.Binding("05999040", service)
	}
	for _, tt := range []struct{ service, example, ordinance, from, want string }{
		{"hundeanmeldung", "labrador", "hundesteuer", "2026-03-01", `"anteil-im-ersten-jahr": "72.33"`}, // ten months of 86.80
		{"hundeanmeldung", "labrador", "hundesteuer", "2026-07-01", "held: gegenstand.anteil-im-ersten-jahr"},
		{"hundeanmeldung", "labrador", "hundesteuer", "2027-01-01", `"anteil-im-ersten-jahr": "71.50"`},
		{"hundeabmeldung", "verstorben", "hundesteuer", "2026-05-01", `"minderung-im-jahr": "57.87"`}, // eight months of 86.80
		{"hundeabmeldung", "verstorben", "hundesteuer", "2026-07-01", "held: gegenstand.minderung-im-jahr"},
		{"hundeabmeldung", "verstorben", "hundesteuer", "2027-01-01", `"minderung-im-jahr": "57.20"`},
		{"abfallbehaelter-anmeldung", "neubau", "abfallgebuehren", "2026-06-01", `"im-ersten-jahr": "77.12"`}, // seven months of 132.20
		{"abfallbehaelter-anmeldung", "neubau", "abfallgebuehren", "2026-07-01", "held: gegenstaende/im-ersten-jahr"},
		{"abfallbehaelter-anmeldung", "neubau", "abfallgebuehren", "2027-01-01", `"im-ersten-jahr": "76.53"`},
		{"abfallbehaelter-abmeldung", "verkauf", "abfallgebuehren", "2026-08-01", `"minderung-im-jahr": "55.08"`}, // five months of 132.20
		{"abfallbehaelter-abmeldung", "verkauf", "abfallgebuehren", "2026-10-01", "held: gegenstaende/minderung-im-jahr"},
		{"abfallbehaelter-abmeldung", "verkauf", "abfallgebuehren", "2027-01-01", `"minderung-im-jahr": "54.67"`},
		{"abfallbehaelter-abmeldung", "zu-viel", "abfallgebuehren", "2027-01-01", `"minderung-im-jahr": "0.00"`},
	} {
		file, err := mappings.FS.ReadFile("ordinances/" + tt.ordinance + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		head, table, _ := strings.Cut(string(file), "tables:\n")
		dearer := regexp.MustCompile(`jahr: [0-9]+`).ReplaceAllStringFunc(table, func(s string) string {
			n, err := strconv.Atoi(strings.TrimPrefix(s, "jahr: "))
			if err != nil {
				t.Fatal(err)
			}
			return "jahr: " + strconv.Itoa(n+1)
		})
		fsys := fstest.MapFS{"x.yaml": {Data: []byte(head + "tables:\n" + table + strings.Replace(dearer, "2022-01-01", tt.from, 1))}}
		law, found := mapping.LoadOrdinance(fsys, "x.yaml")
		if law == nil {
			t.Fatal(found)
		}
		tenant := *b[tt.service].Competent
		tenant.Ordinances = maps.Clone(tenant.Ordinances)
		tenant.Ordinances[tt.ordinance] = law
		binding := *b[tt.service]
		binding.Competent = &tenant
		if got := deliverBy(t, &binding, tt.service, tt.example)["finance"]; !strings.Contains(got, tt.want) {
			t.Errorf("%s, dearer from %s: finance gets %s\nwithout %s", tt.service, tt.from, got, tt.want)
		}
	}
}

// Who reports a dog late, in a year that has another rate than the one in which its tax began or ended, is not told
// a yearly amount that holds no more; a person decides. A year later by the same rate goes through, and so does an end
// after which no dog is left.
func TestRateThatChangedBeforeTheReport(t *testing.T) {
	for _, tt := range []struct{ dir, ags, service, example, was, now, held string }{
		{"soest", "05962024", "hundeanmeldung", "labrador", "seit>2026-02-15<", "seit>2025-11-20<", "held: jahresbetrag"}, // 108.00, and 114.00 from 2026
		{"soest", "05962024", "hundeanmeldung", "labrador", "seit>2026-02-15<", "seit>2025-12-20<", ""},
		{"soest", "05974040", "hundeanmeldung", "labrador", "seit>2026-02-15<", "seit>2025-11-20<", ""},                        // no new rate
		{"musterstadt", "05999012", "hundeanmeldung", "labrador", "seit>2026-02-15<", "seit>2025-11-20<", "held: steuer.jahr"}, // 60.00, and 72.00
		{"musterstadt", "05999012", "hundeanmeldung", "labrador", "seit>2026-02-15<", "seit>2026-06-20<", ""},
		{"fourth", "05998016", "hundeanmeldung", "labrador", "seit>2026-02-15<", "seit>2025-11-20<", "held: b:posten/b:cent"},
		{"fourth", "05998016", "hundeanmeldung", "labrador", "seit>2026-02-15<", "seit>2026-01-02<", ""},
		{"soest", "05962024", "hundeabmeldung", "verstorben", "am>2026-04-17<", "am>2025-11-20<", ""}, // none is left
		{"soest", "05962024", "hundeabmeldung", "verstorben", "hunde>0<", "hunde>1<", ""},
		{"soest", "05962024", "hundeabmeldung", "verstorben", "am>2026-04-17< hunde>0<", "am>2025-11-20< hunde>1<", "held: jahresbetrag"},
	} {
		b, ok := load(t, "../testdata/"+tt.dir).Binding(tt.ags, tt.service)
		if !ok {
			t.Fatal(tt.ags, tt.service)
		}
		file, err := routes.FS.ReadFile(tt.service + "/examples/" + tt.example + ".xml")
		if err != nil {
			t.Fatal(err)
		}
		body, now := string(file), strings.Fields(tt.now)
		for i, was := range strings.Fields(tt.was) {
			if !strings.Contains(body, was) {
				t.Fatalf("%s has no %s", tt.example, was)
			}
			body = strings.Replace(body, was, now[i], 1)
		}
		tree, err := gate.Tree(context.Background(), []byte(body), "application/xml", gate.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		got := leave(t, b, tt.service, tree.Root())["finance"]
		if got == "" || strings.HasPrefix(got, "held: ") != (tt.held != "") || !strings.HasPrefix(got, tt.held) {
			t.Errorf("%s %s, %s: finance gets %s, not %s", tt.ags, tt.service, tt.now, got, tt.held)
		}
	}
}

// Whoever leaves with the last day of a year owes nothing by the law of the next one, which may not be there yet.
func TestEndWithTheLastDayOfTheLaw(t *testing.T) {
	snap := load(t, "../testdata/musterstadt")
	for service, ordinance := range map[string]string{"hundeabmeldung": "hundesteuer", "abfallbehaelter-abmeldung": "abfallgebuehren"} {
		b, _ := snap.Binding("05999040", service)
		file, err := mappings.FS.ReadFile("ordinances/" + ordinance + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		fsys := fstest.MapFS{"x.yaml": {Data: []byte(strings.Replace(string(file), "valid-from: 2022-01-01", "valid-from: 2022-01-01\n    valid-to: 2026-12-31", 1))}}
		law, found := mapping.LoadOrdinance(fsys, "x.yaml")
		if law == nil {
			t.Fatal(found)
		}
		tenant := *b.Competent
		tenant.Ordinances = maps.Clone(tenant.Ordinances)
		tenant.Ordinances[ordinance] = law
		binding := *b
		binding.Competent = &tenant
		example, err := routes.FS.ReadFile(service + "/examples/" + map[string]string{"hundeabmeldung": "verstorben", "abfallbehaelter-abmeldung": "verkauf"}[service] + ".xml")
		if err != nil {
			t.Fatal(err)
		}
		body := strings.NewReplacer("2026-04-17<", "2026-12-20<", "<code>verstorben<", "<code>weggezogen<", "2026-07-31<", "2026-12-20<").Replace(string(example))
		tree, err := gate.Tree(context.Background(), []byte(body), "application/xml", gate.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		got := leave(t, &binding, service, tree.Root())["finance"]
		if !strings.Contains(got, `"ende": "2026-12-31"`) || !strings.Contains(got, `"minderung-im-jahr": "0.00"`) {
			t.Errorf("%s: finance gets %s", service, got)
		}
	}
}

// A rule of local law that no mapping knows, or knows in another spelling, is not taken for one that it knows:
// the month in which a tax begins or ends is not guessed.
func TestRulesThatNobodyKnows(t *testing.T) {
	for _, tt := range []struct{ service, example, ordinance, rule string }{
		{"hundeabmeldung", "verstorben", "hundesteuer-ende", "regel: monatsende"},
		{"hundeabmeldung", "verstorben", "hundesteuer-ende", "verspaetet: eingang"},
		{"abfallbehaelter-anmeldung", "neubau", "abfallzeitraum", "beginn: folgemonat"},
		{"abfallbehaelter-abmeldung", "verkauf", "abfallzeitraum", "ende: monatsende"},
	} {
		file, err := mappings.FS.ReadFile("ordinances/" + tt.ordinance + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		law := func(rule string) map[string]*mapping.Ordinance {
			if !strings.Contains(string(file), tt.rule) {
				t.Fatalf("%s does not say %s", tt.ordinance, tt.rule)
			}
			fsys := fstest.MapFS{"x.yaml": {Data: []byte(strings.ReplaceAll(string(file), tt.rule, rule))}}
			o, found := mapping.LoadOrdinance(fsys, "x.yaml")
			if o == nil {
				t.Fatal(found)
			}
			return map[string]*mapping.Ordinance{tt.ordinance: o}
		}
		key, value, _ := strings.Cut(tt.rule, ": ")
		for dir, towns := range map[string][]string{"soest": {"05974040", "05962024"}, "fourth": {"05998016"}} {
			snap := load(t, "../testdata/"+dir)
			for _, ags := range towns {
				b, ok := snap.Binding(ags, tt.service)
				if !ok || dir == "fourth" && key == "verspaetet" { // its tax ends with the day, reported when it may be
					continue
				}
				if ags == "05962024" && tt.ordinance == "abfallzeitraum" { // it has not the examples' bins
					continue
				}
				own := b.Competent.Ordinances
				for _, rule := range []string{tt.rule, key + ": quartal", key + ": " + strings.ToUpper(value[:1]) + value[1:]} {
					tenant := *b.Competent
					tenant.Ordinances = maps.Clone(own)
					maps.Copy(tenant.Ordinances, law(rule))
					binding := *b
					binding.Competent = &tenant
					got := deliverBy(t, &binding, tt.service, tt.example)["finance"]
					if held := strings.HasPrefix(got, "held: "); held != (rule != tt.rule) {
						t.Errorf("%s %s, %s: finance gets %s", ags, tt.service, rule, got)
					}
				}
			}
		}
	}
}
