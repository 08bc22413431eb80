package gate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
)

// generated is a body that is made while it is read: 10 MB of it cost nothing.
type generated struct {
	unit  func(i int) string
	left  int
	n     int
	have  string
	after func()
}

func (g *generated) Read(p []byte) (int, error) {
	if g.left <= 0 {
		return 0, io.EOF
	}
	if g.have == "" {
		g.have = g.unit(g.n)
		g.n++
	}
	n := copy(p, g.have)
	g.have = g.have[n:]
	g.left -= n
	g.after()
	return n, nil
}

// hostile are bodies that go on for ever in the costliest way that they find: in
// one go, and just below the default limits.
var hostile = []struct {
	name, media string
	unit        func(i int) string
}{
	{"deep nesting", "text/xml", func(int) string { return "<a>" }},
	{"nesting up to the limit", "text/xml", wrapped("<r>", func(int) string {
		return strings.Repeat("<abcdefghij>", 98) + strings.Repeat("</abcdefghij>", 98)
	})},
	{"attribute flood", "text/xml", func(i int) string { return []string{"<a", fmt.Sprintf(" a%d=''", i)}[min(i, 1)] }},
	{"attributes up to the limit", "text/xml", wrapped("<r>", func(i int) string {
		return "<a" + repeated(127, func(k int) string { return fmt.Sprintf(" a%d_%d='%s'", i, k, strings.Repeat("x", 1900)) }) + "/>"
	})},
	{"one endless attribute", "text/xml", wrapped("<a b='", func(int) string { return strings.Repeat("x", 1000) })},
	{"one endless name", "text/xml", wrapped("<", func(int) string { return strings.Repeat("x", 1000) })},
	{"names up to the limit", "text/xml", wrapped("<r>", func(i int) string { return fmt.Sprintf("<a%0250d/>", i) })},
	{"namespaces up to the limit", "text/xml", wrapped("<r>", func(i int) string {
		return "<a" + repeated(120, func(k int) string { return fmt.Sprintf(" xmlns:a%d='%01000d'", k, i*200+k) }) + "/>"
	})},
	{"huge text", "text/xml", wrapped("<r>", func(int) string { return strings.Repeat("text ", 1000) })},
	{"huge CDATA", "text/xml", wrapped("<r><![CDATA[", func(int) string { return strings.Repeat("]] ", 1000) })},
	{"huge comment", "text/xml", wrapped("<!--", func(int) string { return strings.Repeat("- x", 1000) })},
	{"huge instruction", "text/xml", wrapped("<?p ", func(int) string { return strings.Repeat("? x", 1000) })},
	{"references", "text/xml", wrapped("<r>", func(int) string { return "&lt;" })},
	{"a reference without end", "text/xml", wrapped("<r>&#", func(int) string { return strings.Repeat("0", 1000) })},
	{"entity bomb", "text/xml", wrapped("<!DOCTYPE a [<!ENTITY a 'a'>", func(int) string { return "<!ENTITY b '&a;&a;&a;&a;'>" })},
	{"white space", "text/xml", func(int) string { return strings.Repeat(" ", 1000) }},
	{"UTF-16", "text/xml", wrapped("\xFE\xFF\x00<\x00a\x00>", func(int) string { return strings.Repeat("\x20\xAC", 1000) })},
	{"deep JSON", "application/json", wrapped(`{"a":`, func(int) string { return "[" })},
	{"JSON keys in one object", "application/json", wrapped("{", func(i int) string { return fmt.Sprintf(`"key%d":1,`, i) })},
	{"JSON keys up to the limits", "application/json", wrapped("{", func(i int) string {
		return fmt.Sprintf(`"o%d":{`, i) + repeated(8000, func(k int) string { return fmt.Sprintf(`"k%d":1,`, k) }) + `"last":{}},`
	})},
	{"JSON strings", "application/json", wrapped(`{"a":["`, func(int) string { return strings.Repeat("x", 60) + `","` })},
	{"JSON numbers", "application/json", wrapped(`{"a":[`, func(int) string { return "1.5e300," })},
	{"JSON that the schema objects to everywhere", "application/json", wrapped(`{"wrong":[`, func(i int) string {
		return []string{"1,", "1]}", " "}[min(max(i-99_000, 0), 2)]
	})},
	{"JSON escapes", "application/json", wrapped(`{"a":"`, func(int) string { return `\ud83d\udc36` })},
	{"JSON objects", "application/json", wrapped(`{"a":[{}`, func(int) string { return `,{}` })},
}

func wrapped(start string, unit func(int) string) func(int) string {
	return func(i int) string {
		if i == 0 {
			return start
		}
		return unit(i - 1)
	}
}

func repeated(n int, f func(int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(f(i))
	}
	return b.String()
}

// TestHostileBodiesInParallel runs 20 bodies of 10 MB at a time, of each kind and
// all kinds mixed, with a watch, and JSON with a schema: the whole process stays
// under 256 MB.
func TestHostileBodiesInParallel(t *testing.T) {
	if testing.Short() || raced {
		t.Skip("it reads 5 GB, and measures memory")
	}
	schema, err := CompileJSON(fstest.MapFS{"s.json": {Data: []byte(`{"properties":{"wrong":{"items":{"type":"string"}}}}`)}}, "s.json")
	if err != nil {
		t.Fatal(err)
	}
	large := NewSlots(2)
	run := func(t *testing.T, kind func(i int) int) uint64 {
		debug.FreeOSMemory()
		var peak atomic.Uint64
		var reads atomic.Int64
		var wg sync.WaitGroup
		for i := range 20 {
			h := hostile[kind(i)]
			wg.Go(func() {
				body := &generated{unit: h.unit, left: 10 << 20, after: func() {
					if reads.Add(1)%64 == 0 {
						raise(&peak, resident())
					}
				}}
				w, err := NewWatch("a/b", "abcdefghij/abcdefghij")
				if err != nil {
					t.Error(err)
					return
				}
				o := Options{Handlers: []Handler{w}, Large: large}
				if h.media == "application/json" {
					o.Schema = schema
				}
				_, err = CheckReader(context.Background(), body, h.media, o)
				var invalid *Invalid
				if _, ok := IsRefusal(err); !ok && !errors.As(err, &invalid) {
					t.Errorf("%s: got %v", h.name, err)
				}
				raise(&peak, resident())
			})
		}
		wg.Wait()
		return peak.Load()
	}
	check := func(t *testing.T, peak uint64) {
		t.Logf("at most %d MB", peak>>20)
		if peak > 256<<20 {
			t.Errorf("%d MB of memory, want at most 256", peak>>20)
		}
	}
	for k, h := range hostile {
		t.Run(h.name, func(t *testing.T) { check(t, run(t, func(int) int { return k })) })
	}
	t.Run("mixed", func(t *testing.T) { check(t, run(t, func(i int) int { return i % len(hostile) })) })
	runtime.GC()
}

func raise(peak *atomic.Uint64, to uint64) {
	for was := peak.Load(); to > was && !peak.CompareAndSwap(was, to); was = peak.Load() {
	}
}

// resident is what the runtime holds of the system's memory.
func resident() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64() - s[1].Value.Uint64()
}
