package intake

import (
	"net/http"
	"strings"

	"golang.org/x/text/language"
)

// lang is the language of an answer.
type lang int

const (
	german lang = iota
	english
)

// String is the tag for Content-Language.
func (l lang) String() string {
	if l == english {
		return "en"
	}
	return "de"
}

// text is a sentence in both languages; German is what portals show to citizens.
type text struct{ De, En string }

func (t text) in(l lang) string {
	if l == english {
		return t.En
	}
	return t.De
}

var matcher = language.NewMatcher([]language.Tag{language.German, language.English})

// languageOf chooses by Accept-Language; German where nothing else is asked for.
func languageOf(h http.Header) lang {
	accept := h.Get("Accept-Language")
	if accept == "" || len(accept) > 200 {
		return german
	}
	if first, _, _ := strings.Cut(accept, ","); strings.HasPrefix(first, "de") && !strings.Contains(first, ";") {
		return german // nothing weighs more
	}
	if accept == english.String() {
		return english
	}
	tags, _, err := language.ParseAcceptLanguage(accept)
	if err != nil {
		return german
	}
	if _, i, sure := matcher.Match(tags...); sure >= language.Low && i == 1 {
		return english
	}
	return german
}
