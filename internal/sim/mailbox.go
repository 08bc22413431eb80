package sim

import (
	"fmt"
	"net/http"
	"strings"
)

// newMailbox lays messages into the mailboxes of citizens' accounts. It knows no
// mailbox whose handle begins with unbekannt.
func newMailbox(p *partner, sheet map[string]field) http.Handler {
	d := &jsonDesk{partner: p, path: "/nachrichten", sheet: sheet, more: addressee,
		number: func(n int, _ map[string]any) map[string]string {
			return map[string]string{"nachricht": fmt.Sprintf("N-%06d", n)}
		}}
	return d.mux()
}

func addressee(doc map[string]any) []FieldError {
	if strings.HasPrefix(fmt.Sprint(doc["postfach"]), "unbekannt") {
		return []FieldError{{"postfach", "gibt es nicht"}}
	}
	return nil
}
