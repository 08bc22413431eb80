package intake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/route"
	"stellwerk/internal/store"
)

// BundleStatus is what a portal reads of its bundle: one status, and the personal
// list of what is to do.
type BundleStatus struct {
	ID        hub.ID           `json:"id"`
	Number    string           `json:"number"`
	Bundle    string           `json:"bundle"` // its form
	Title     string           `json:"title,omitempty"`
	State     string           `json:"state"` // "open" or "closed"
	Status    hub.CaseStatus   `json:"status"`
	Text      string           `json:"text"` // for the citizen
	OpenedAt  time.Time        `json:"opened-at"`
	ClosedAt  time.Time        `json:"closed-at,omitzero"`
	Old       *Town            `json:"old,omitempty"`
	New       *Town            `json:"new,omitempty"`
	Questions []QuestionStatus `json:"questions"`
	Parts     []BundlePart     `json:"parts"`
	Events    string           `json:"events"` // where the story is
}

// QuestionStatus is a question with its answer.
type QuestionStatus struct {
	Question
	Asked  bool `json:"asked"` // by the answers so far
	Answer any  `json:"answer,omitempty"`
}

// BundlePart is one line of the list.
type BundlePart struct {
	FormPart
	Town        *Town        `json:"town,omitempty"` // Municipality, once it is known
	Applies     bool         `json:"applies"`        // by the answers; it advises, and forbids nothing
	Missing     bool         `json:"missing"`        // applies, and nothing that was submitted for it counts
	Submissions []Submission `json:"submissions"`
}

// Submission is one submission of a bundle.
type Submission struct {
	ID         hub.ID         `json:"id"`
	Number     string         `json:"number"`
	Town       Town           `json:"town"`
	Status     hub.CaseStatus `json:"status"`
	Text       string         `json:"text"` // for the citizen
	ReceivedAt time.Time      `json:"received-at"`
	URL        string         `json:"url"` // where its own status is
}

// bundleStatus answers with one bundle of the portal.
func (a *API) bundleStatus(c *call) *refusal {
	b, p := a.ownBundle(c)
	if p != nil {
		return p
	}
	answers, p := a.answersOf(b)
	if p != nil {
		return p
	}
	out, err := bundleStatusOf(c, b, answers)
	if err != nil {
		return refuse(CodeInternal).because(err)
	}
	return a.json(c, out)
}

// answersOf opens what was answered.
func (a *API) answersOf(b *store.BundleCase) (*hub.BundleAnswers, *refusal) {
	if len(b.DataKey) == 0 { // forgotten: it has long come to its end
		return &hub.BundleAnswers{}, nil
	}
	key, err := a.Vault.Unwrap(b.Bundle.ID, b.Bundle.Portal, b.DataKey)
	if err != nil {
		return nil, keyProblem(fmt.Errorf("open the answers of a bundle: %w", err))
	}
	body, err := key.Open(hub.RecordBundle, b.Answers)
	if err != nil {
		return nil, refuse(CodeInternal).because(fmt.Errorf("open the answers of a bundle: %w", err))
	}
	var answers hub.BundleAnswers
	if err := json.Unmarshal(body, &answers); err != nil {
		return nil, refuse(CodeInternal).because(errors.New("the answers of a bundle cannot be read"))
	}
	return &answers, nil
}

func bundleStatusOf(c *call, b *store.BundleCase, answers *hub.BundleAnswers) (*BundleStatus, error) {
	standing := b.Standing()
	out := &BundleStatus{
		ID: b.Bundle.ID, Number: b.Bundle.ID.Number(), Bundle: b.Bundle.Name, State: "open",
		Status: standing.Status, Text: text(standing.Text).in(c.lang), OpenedAt: b.Bundle.OpenedAt.UTC(), ClosedAt: b.Bundle.ClosedAt,
		Old: townOf(c, answers.Old), New: townOf(c, answers.New), Questions: []QuestionStatus{}, Parts: []BundlePart{},
		Events: bundleURL(c, b.Bundle.ID) + "/events",
	}
	if b.Bundle.Closed() {
		out.State = "closed"
	}
	filed := map[string][]Submission{} // by part
	for i := range b.Parts {
		part := b.Parts[i].Submission.Part
		filed[part] = append(filed[part], submissionOf(c, &b.Parts[i]))
	}
	if form := c.snap.Bundles[b.Bundle.Name]; form != nil {
		out.Title = form.Title
		if err := out.follow(c, form, answers, filed); err != nil {
			return nil, err
		}
	}
	// What the form does not know any more is there all the same.
	for i := range b.Parts {
		s := &b.Parts[i].Submission
		if of, left := filed[s.Part]; left {
			out.Parts = append(out.Parts, BundlePart{
				FormPart: FormPart{Part: s.Part, Service: s.Service, Title: titleOf(c, s.Service), Municipality: "new"}, Submissions: of,
			})
			delete(filed, s.Part)
		}
	}
	return out, nil
}

// follow fills the list by the form and the answers. What it uses of filed is taken
// out of it.
func (s *BundleStatus) follow(c *call, form *route.Bundle, answers *hub.BundleAnswers, filed map[string][]Submission) error {
	list, err := form.List(answers.Answers)
	if err != nil {
		return err
	}
	for i := range form.Questions {
		q := QuestionStatus{Question: questionOf(&form.Questions[i]), Asked: list.Asked[i]}
		if answer := answers.Answers[q.ID]; q.Asked && form.Check(q.ID, answer) == nil {
			q.Answer = answer
		}
		s.Questions = append(s.Questions, q)
	}
	for i := range form.Parts {
		p := &form.Parts[i]
		home := homeOf(p, answers)
		at, offered := home, offeredAnywhere(c.snap, c.portal, p.Service)
		if home != "" {
			at, offered = place(c, home, p.Service)
		}
		line := BundlePart{
			FormPart: FormPart{Part: p.ID, Service: p.Service, Title: titleOf(c, p.Service), Municipality: sideOf(p.Old), Hint: p.Hint, Offered: offered},
			Town:     townOf(c, at), Applies: list.Applies[i], Submissions: filed[p.ID],
		}
		line.Missing = line.Applies && !slices.ContainsFunc(line.Submissions, func(one Submission) bool { return one.counts(home) })
		if line.Submissions == nil {
			line.Submissions = []Submission{}
		}
		delete(filed, p.ID)
		s.Parts = append(s.Parts, line)
	}
	return nil
}

// homeOf is the home that a part is about, by its AGS; empty while nobody has named it.
func homeOf(p *route.Part, answers *hub.BundleAnswers) string {
	if p.Old {
		return answers.Old
	}
	return answers.New
}

// place is where a portal submits a service for a home: its town, or its Kreis where the
// town does not offer it. offered is false where the portal can do so at neither.
func place(c *call, home, service string) (ags string, offered bool) {
	for _, ags := range []string{home, home[:kreisDigits]} {
		if _, ok := c.snap.Binding(ags, service); ok && c.portal.Allows(ags, service) {
			return ags, true
		}
	}
	return home, false
}

// kreisDigits are those of an AGS that name the Kreis; its own AGS has no others.
const kreisDigits = 5

// governs reports whether a municipality is the one of a home, or its Kreis. A home that
// nobody has named may be anywhere, and one of which only the Kreis is named, anywhere there.
func governs(municipality, home string) bool {
	return strings.HasPrefix(home, municipality) || strings.HasPrefix(municipality, home)
}

// counts reports whether a submission does for a part about a home: not where it was taken
// back, not paid or not accepted, and not where it went to another town.
func (s *Submission) counts(home string) bool {
	return s.Status != hub.CaseCancelled && s.Status != hub.CaseRejected && governs(s.Town.AGS, home)
}

func submissionOf(c *call, s *store.Status) Submission {
	standing := hub.StandingOf(&s.Submission, s.Deliveries)
	if s.Submission.State == hub.SubmissionErased {
		standing = hub.Standing{Status: hub.PartStatus(&s.Submission, nil), Text: hub.Text{
			De: "Ihr Antrag ist abgeschlossen, und seine Daten sind gelöscht.", En: "Your application has come to its end, and its data are deleted."}}
	}
	return Submission{
		ID: s.Submission.ID, Number: s.Submission.ID.Number(), Town: *townOf(c, s.Submission.Municipality), Status: standing.Status,
		Text: text(standing.Text).in(c.lang), ReceivedAt: s.Submission.ReceivedAt.UTC(), URL: statusURL(c, s.Submission.ID),
	}
}

// townOf names a municipality; one that is not configured here has its key alone.
func townOf(c *call, ags string) *Town {
	if ags == "" {
		return nil
	}
	t := &Town{AGS: ags}
	if m := c.snap.Municipalities[ags]; m != nil {
		t.Name = m.Name
	}
	return t
}

// answerBundle replaces the answers; the list follows them.
func (a *API) answerBundle(c *call) *refusal {
	b, p := a.ownBundle(c)
	if p != nil {
		return p.leavingBody()
	}
	req, findings, p := a.bundleBody(c, membersOfAnswers, false)
	if p != nil {
		return p
	}
	if form := c.snap.Bundles[b.Bundle.Name]; form != nil {
		findings = append(findings, checkAnswers(c, form, req.Answers, "")...)
	} else if len(req.Answers) > 0 {
		return refuse(CodeBundleForm)
	}
	if b.Bundle.Closed() {
		return refuse(CodeBundleClosed)
	}
	if len(findings) > 0 {
		return refuse(CodeMetaInvalid).with(findings...)
	}
	key, err := a.Vault.Unwrap(b.Bundle.ID, b.Bundle.Portal, b.DataKey)
	if err != nil {
		return keyProblem(fmt.Errorf("open the key of a bundle: %w", err))
	}
	plain, err := json.Marshal(req.BundleAnswers)
	if err != nil {
		return refuse(CodeInternal).because(err)
	}
	err = a.Store.AnswerBundle(context.WithoutCancel(c.r.Context()), b.Bundle.ID, key.Seal(hub.RecordBundle, plain), actor(c, req.clerk), c.at)
	if err != nil {
		return bundleProblem(err)
	}
	c.outcome = outcomeAnswered
	return a.bundleStatus(c)
}

// closeBundle ends the filling of a bundle. One that is closed stays as it is.
func (a *API) closeBundle(c *call) *refusal {
	b, p := a.ownBundle(c)
	if p != nil {
		return p.leavingBody()
	}
	req, findings, p := a.bundleBody(c, membersOfClosing, true)
	if p != nil {
		return p
	}
	if len(findings) > 0 {
		return refuse(CodeMetaInvalid).with(findings...)
	}
	if p := a.close(c, b.Bundle.ID, actor(c, req.clerk)); p != nil {
		return p
	}
	c.outcome = outcomeClosed
	return a.bundleStatus(c)
}

// close closes a bundle and rings the part by which the portal is told of it.
func (a *API) close(c *call, id hub.ID, by string) *refusal {
	ring, err := a.Store.CloseBundle(context.WithoutCancel(c.r.Context()), id, by, c.at)
	if err != nil {
		return bundleProblem(err)
	}
	if !ring.Zero() {
		a.Ring(ring)
	}
	return nil
}

// BundleEvent is one line of a bundle's story.
type BundleEvent struct {
	At         time.Time `json:"at"`
	Type       string    `json:"type"`
	Part       string    `json:"part,omitempty"`
	Submission hub.ID    `json:"submission,omitzero"`
	Text       string    `json:"text,omitempty"`
}

// bundleEvents answers with the story of one bundle of the portal.
func (a *API) bundleEvents(c *call) *refusal {
	b, p := a.ownBundle(c)
	if p != nil {
		return p
	}
	story, err := a.Store.BundleEvents(c.r.Context(), b.Bundle.ID)
	if err != nil {
		return bundleProblem(err)
	}
	out := struct {
		ID     hub.ID        `json:"id"`
		Events []BundleEvent `json:"events"`
	}{b.Bundle.ID, make([]BundleEvent, 0, len(story))}
	for _, e := range story {
		out.Events = append(out.Events, BundleEvent{
			At: e.At.UTC(), Type: e.Type, Part: e.Text, Submission: e.Delivery, Text: bundleEventTexts[e.Type].in(c.lang),
		})
	}
	return a.json(c, out)
}

// ownBundle finds the bundle that the address names, by id or number, if it is this
// portal's. Another portal's is as unknown as one that does not exist.
func (a *API) ownBundle(c *call) (*store.BundleCase, *refusal) {
	ctx, name := c.r.Context(), c.r.PathValue("id")
	id, err := hub.ParseID(name)
	if err != nil {
		first, last, err := hub.ParseNumber(name)
		if err != nil {
			return nil, refuse(CodeBundle)
		}
		found, err := a.Store.FindBundles(ctx, first, last, 100)
		if err != nil {
			return nil, bundleProblem(err)
		}
		id = hub.ID{}
		for i := range found {
			if found[i].Portal != c.portal.Name {
				continue
			}
			if !id.Zero() { // a number that two share: only the id tells them apart
				return nil, refuse(CodeBundle)
			}
			id = found[i].ID
		}
	}
	if id.Zero() || id.Ordinal() != 0 {
		return nil, refuse(CodeBundle)
	}
	b, err := a.Store.Bundle(ctx, id)
	if err != nil {
		return nil, bundleProblem(err)
	}
	if b.Bundle.Portal != c.portal.Name {
		return nil, refuse(CodeBundle)
	}
	c.id = id
	return b, nil
}

// What portals show to citizens.
var (
	bundleEventTexts = map[string]text{
		"opened":            {"Mappe geöffnet.", "Bundle opened."},
		"answers-changed":   {"Antworten geändert.", "Answers changed."},
		"part-added":        {"Antrag eingegangen.", "Application received."},
		"answers-forgotten": {"Antworten gelöscht.", "Answers deleted."},
		"part-settled":      {"Weiterleitung abgeschlossen.", "Passing on has come to its end."},
		"closed":            {"Mappe abgeschlossen.", "Bundle closed."},
	}
)
