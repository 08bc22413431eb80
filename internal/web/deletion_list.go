package web

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/retention"
	"stellwerk/internal/store"
	"stellwerk/internal/web/admin"
)

func (s *Server) apiDeletions(r *http.Request, _ string) (any, error) {
	f := store.DeletionFilter{Limit: 100}
	q := r.URL.Query()
	var err error
	if v := q.Get("submission"); v != "" {
		status, err := s.find(r.Context(), v)
		if err != nil {
			return nil, err
		}
		f.Submission = status.Submission.ID
	}
	if v := q.Get("order"); v != "" {
		if f.Order, err = hub.ParseID(v); err != nil {
			return nil, wrong("order is the id of an order, as erase prints it")
		}
	}
	if v := q.Get("before"); v != "" {
		if f.Before, err = strconv.ParseInt(v, 10, 64); err != nil || f.Before < 1 {
			return nil, wrong("before is the number of a deletion record")
		}
	}
	if v := q.Get("limit"); v != "" {
		if f.Limit, err = strconv.Atoi(v); err != nil || f.Limit < 1 || f.Limit > 1000 {
			return nil, wrong("limit is 1 to 1000")
		}
	}
	all, err := s.Store.Deletions(r.Context(), f)
	var damaged store.DamagedDeletions
	if err != nil && !errors.As(err, &damaged) {
		return nil, err
	}
	out := admin.Deletions{Deletions: deletionForms(all), Damaged: damaged}
	if len(all)+len(damaged) == f.Limit {
		numbers := slices.Clone(damaged)
		for _, d := range all {
			numbers = append(numbers, d.N)
		}
		out.Next = slices.Min(numbers)
	}
	return out, nil
}

func (s *Server) apiRetention(r *http.Request, _ string) (any, error) {
	limit := 20
	if v := r.URL.Query().Get("limit"); v != "" {
		var err error
		if limit, err = strconv.Atoi(v); err != nil || limit < 1 || limit > 1000 {
			return nil, wrong("limit is 1 to 1000")
		}
	}
	p, err := s.Retention.Preview(r.Context(), limit)
	if err != nil {
		return nil, err
	}
	out := admin.Retention{Examined: p.Examined, Unsettled: p.Unsettled, Held: p.Held, Due: p.Due, Next: []admin.RetentionDue{}}
	for _, d := range p.Next {
		out.Next = append(out.Next, admin.RetentionDue{Submission: d.Submission.ID, Number: d.Submission.ID.Number(),
			Municipality: d.Submission.Municipality, Service: d.Submission.Service, Parts: d.Parts, Rules: d.Rules, At: d.At})
	}
	if out.LastRun, err = s.Store.LastRun(r.Context(), retention.Job); err != nil {
		return nil, err
	}
	return out, nil
}

func (s *Server) apiRunRetention(r *http.Request, actor string) (any, error) {
	var o admin.RunRetention
	if err := decode(r, small, &o); err != nil {
		return nil, err
	}
	said := ""
	if o.Today != "" {
		day, err := time.Parse(time.DateOnly, o.Today)
		if err != nil {
			return nil, wrong("today is a date, such as 2026-03-02")
		}
		said = "today is " + o.Today
		if err := s.Retention.Confirm(r.Context(), day); err != nil {
			return nil, clockProblem(err)
		}
	}
	if err := s.Retention.CheckClock(r.Context()); err != nil {
		return nil, clockProblem(err)
	}
	if err := s.audit(r.Context(), actor, "retention-run", "all", said); err != nil {
		return nil, err
	}
	began := s.Now()
	rep, err := s.Retention.Run(r.Context())
	if err != nil {
		return nil, clockProblem(err)
	}
	if err := s.Store.SetLastRun(r.Context(), retention.Job, began); err != nil {
		return nil, err
	}
	return admin.RetentionRun{Order: rep.Order, Examined: rep.Examined, Erased: rep.Erased, Held: rep.Held, Refused: rep.Refused,
		Files: filesForm(rep.Scrubbed), AuditFrom: rep.AuditFrom.Seq}, nil
}

// clockProblem tells a person that the clock is not trusted.
func clockProblem(err error) error {
	var jumped *retention.Jumped
	if errors.As(err, &jumped) || errors.Is(err, retention.ErrOtherDay) {
		return &admin.Problem{Status: http.StatusConflict, Code: admin.CodeState, Detail: err.Error()}
	}
	return err
}
