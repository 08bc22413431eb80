package route

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"stellwerk/internal/config/strict"
	"stellwerk/internal/hub"
)

// releasedName is what an answer may be called, here and by a system's kind.
var releasedName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{0,63}$`)

// answers reads what is told to portals. A name that is mistyped would tell nothing,
// and nobody would notice: so the role must be one of the route's.
func (l *loader) answers(r *Route, y *fileYAML) {
	var roles []string
	for i := range r.Deliveries {
		roles = append(roles, r.Deliveries[i].To)
	}
	for _, name := range slices.Sorted(maps.Keys(y.Answers)) {
		at := "answers." + name
		n := strict.At(l.top, at)
		role, key, ok := strings.Cut(y.Answers[name], "/")
		switch {
		case !releasedName.MatchString(name):
			l.at(at, name+" is not the name of an answer", "use small letters, digits, dots and hyphens")
		case !ok || !releasedName.MatchString(key):
			l.at(at, y.Answers[name]+" is not an answer", "write role/key, such as finance/kassenzeichen")
		case !slices.Contains(roles, role):
			l.at(at, name+" comes from "+role+", which is no delivery of this route", strict.Suggest(role, roles))
		}
		r.Answers = append(r.Answers, Answer{Name: name, Role: role, Key: key, Line: n.Line, Column: n.Column})
	}
	asks := slices.Contains(roles, hub.RolePayment)
	if asks && !slices.ContainsFunc(r.Answers, func(a Answer) bool { return a.Role == hub.RolePayment && a.Key == hub.AnswerPaymentURL }) {
		l.warn("deliveries", "the route asks for a payment, and no portal is told where to pay",
			"add "+hub.AnswerPaymentURL+": "+hub.RolePayment+"/"+hub.AnswerPaymentURL+" to answers")
	}
}

// Told gives the released answers, by the name that portals read. Answers are by role
// and key.
func (r *Route) Told(answers map[string]map[string]string) map[string]string {
	out := map[string]string{}
	for _, a := range r.Answers {
		if v := answers[a.Role][a.Key]; v != "" {
			out[a.Name] = v
		}
	}
	return out
}
