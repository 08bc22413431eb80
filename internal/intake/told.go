package intake

import (
	"encoding/json"
	"errors"
	"slices"

	"stellwerk/internal/hub"
	"stellwerk/internal/route"
	"stellwerk/internal/store"
	"stellwerk/internal/vault"
)

// told is what a portal reads of the systems' answers.
type told struct {
	answers map[string]string // by the name that the route gives
	links   map[hub.ID]string // released payment links, by delivery
}

// told opens the answers that the route releases, and no others. A record that fails
// its check is left out: the status is told without it, and the log names it.
func (a *API) told(c *call, s *store.Status) (told, *refusal) {
	out := told{answers: map[string]string{}, links: map[hub.ID]string{}}
	r := c.snap.Routes[s.Submission.Service]
	if b, ok := c.snap.Binding(s.Submission.Municipality, s.Submission.Service); ok && b.Competent.Hub != nil {
		r = b.Route // what another hub decides for has one of its own
	}
	if r == nil || len(r.Answers) == 0 || len(s.Answers) == 0 || len(s.DataKey) == 0 {
		return out, nil
	}
	key, err := a.Vault.Unwrap(s.Submission.ID, s.Submission.Municipality, s.DataKey)
	if errors.Is(err, vault.ErrNoKey) {
		return out, keyProblem(err)
	}
	if err != nil {
		a.unreadable(s.Submission.ID, "data-key", err)
		return out, nil
	}
	answers := map[string]map[string]string{}
	for i := range s.Deliveries {
		d := &s.Deliveries[i]
		released := func(one route.Answer) bool { return one.Role == d.Role }
		if len(s.Answers[d.ID]) == 0 || !slices.ContainsFunc(r.Answers, released) {
			continue
		}
		answer, err := openAnswer(key, d.ID, s.Answers[d.ID])
		if err != nil {
			a.unreadable(s.Submission.ID, hub.RecordAnswer(d.ID), err)
			continue
		}
		if !s.Submission.WithdrawnAt.IsZero() {
			delete(answer, hub.AnswerPaymentURL) // the provider would take the money, and nobody the case
		}
		answers[d.Role] = answer
		if slices.ContainsFunc(r.Answers, func(one route.Answer) bool { return one.Role == d.Role && one.Key == hub.AnswerPaymentURL }) {
			out.links[d.ID] = answer[hub.AnswerPaymentURL]
		}
	}
	out.answers = r.Told(answers)
	return out, nil
}

// keyProblem says what it means that a data key cannot be unwrapped: what the operator
// has not given is given with a restart.
func keyProblem(err error) *refusal {
	if errors.Is(err, vault.ErrNoKey) {
		return storeProblem(err)
	}
	return refuse(CodeInternal).because(err)
}

func openAnswer(key *vault.Key, id hub.ID, sealed []byte) (answer map[string]string, err error) {
	plain, err := key.Open(hub.RecordAnswer(id), sealed)
	if err != nil {
		return nil, err
	}
	return answer, json.Unmarshal(plain, &answer)
}

func (a *API) unreadable(id hub.ID, record string, err error) {
	a.Log.Error("a stored record fails its check; the status is told without it", "submission", id.String(), "record", record, "error", err)
}
