package gate

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func watch(t *testing.T, media, body string, paths ...string) *Watch {
	t.Helper()
	w, err := NewWatch(paths...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Check(context.Background(), []byte(body), media, Options{Handlers: []Handler{w}}); err != nil {
		t.Fatal(err)
	}
	return w
}

func TestWatch(t *testing.T) {
	xml := `<x:antrag xmlns:x="u"><hund>no<chip>no</chip></hund><x:hund> <chip> 1<!-- -->&amp;2 </chip><a><chip>no</chip></a><chip/></x:hund>
		<halter><name>Müller<b>no</b> x</name></halter><chip>no</chip><antrag><hund><chip>no</chip></hund></antrag></x:antrag>`
	json := `{"hund":[{"chip":"no"},{"chip":" 1&2 "},{"a":{"chip":"no"},"chip":null}],"halter":{"name":"Müller x"},"chip":"no"}`
	want := map[string][]string{"hund/chip": {"no", "1&2", ""}, "halter/name": {"Müller x"}, "kopf/vorgang": nil}
	for media, body := range map[string]string{"text/xml": xml, "application/json": json} {
		w := watch(t, media, body, "hund/chip", "halter/name", "kopf/vorgang")
		for path, values := range want {
			if got := w.Values(path); !reflect.DeepEqual(got, values) {
				t.Errorf("%s: %s is %q, want %q", media, path, got, values)
			}
			if w.Partial(path) {
				t.Errorf("%s: %s is partial", media, path)
			}
		}
	}
}

func TestWatchIsBounded(t *testing.T) {
	w := watch(t, "text/xml", "<a><b>"+strings.Repeat("x", 1025)+"</b><b>"+strings.Repeat("x", 1024)+"</b></a>", "b")
	if !w.Partial("b") || len(w.Values("b")) != 1 {
		t.Errorf("a long value: %v, %d values", w.Partial("b"), len(w.Values("b")))
	}
	w = watch(t, "text/xml", "<a>"+strings.Repeat("<b>x</b>", 300)+"</a>", "b")
	if !w.Partial("b") || len(w.Values("b")) != 256 {
		t.Errorf("many values: %v, %d values", w.Partial("b"), len(w.Values("b")))
	}
}

func TestWatchPaths(t *testing.T) {
	for _, path := range []string{"", "/a", "a/", "a//b", "@a", "a/*", "x:a", "a b", "a[1]"} {
		if _, err := NewWatch(path); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q", path)) {
			t.Errorf("%q: got %v", path, err)
		}
	}
	w, err := NewWatch("a.b/größe")
	if err != nil || w.Values("c") != nil || w.Partial("c") {
		t.Errorf("got %v", err)
	}
}

func TestTee(t *testing.T) {
	if Tee() != nil || Tee(nil) != nil {
		t.Error("a tee of nothing is something")
	}
	var a, b script
	if h := Tee(nil, &a); h != Handler(&a) {
		t.Error("a tee of one is not that one")
	}
	if _, err := Check(context.Background(), antrag(1), "text/xml", Options{Handlers: []Handler{&a, nil, &b}}); err != nil || a.String() != b.String() || a.Len() == 0 {
		t.Errorf("the two hear different things, %v", err)
	}
}
