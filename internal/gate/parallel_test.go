package gate

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"
)

// Scans share buffers and tables of names one after another, never at a time.
func TestScansInParallel(t *testing.T) {
	xsd := NewXMLSchema(compileXSD(t))
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := range 60 {
				n := worker*1000 + i
				xml := fmt.Sprintf("<antrag xmlns='urn:h'><hund nr='%d'><chip>%015d</chip></hund></antrag>", n, n)
				want := fmt.Sprintf(`<{urn:h}:antrag xmlns:="urn:h"><{urn:h}:hund {}:nr="%d"><{urn:h}:chip>"%015d"</chip></hund></antrag>`, n, n)
				var s script
				if _, err := CheckReader(context.Background(), bytes.NewReader([]byte(xml)), "text/xml", Options{Schema: xsd, Handlers: []Handler{&s}}); err != nil || s.String() != want {
					t.Errorf("got %s, %v", s.String(), err)
				}
				json := fmt.Sprintf(`{"k%d": "v%d", "hund": [{"chip": %d}]}`, n, n, n)
				want = fmt.Sprintf(`<{}:object><{}:k%d>"v%d"</k%d><{}:hund><{}:chip>"%d"</chip></hund></object>`, n, n, n, n)
				if got, err := events([]byte(json), "application/json"); err != nil || got != want {
					t.Errorf("got %s, %v", got, err)
				}
				if _, err := events(antrag(1)[:200+i], "text/xml"); err == nil {
					t.Error("a cut document is accepted")
				}
			}
		})
	}
	wg.Wait()
}
