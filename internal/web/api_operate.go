package web

import (
	"fmt"
	"net/http"

	"stellwerk/internal/config"
	"stellwerk/internal/web/admin"
)

func (s *Server) apiSystems(r *http.Request, _ string) (any, error) {
	all, err := s.systems(r.Context())
	if err != nil {
		return nil, err
	}
	out := admin.Systems{Systems: make([]admin.System, len(all))}
	for i := range all {
		out.Systems[i] = systemForm(&all[i])
	}
	return out, nil
}

func (s *Server) apiPause(r *http.Request, actor string) (any, error) {
	var why admin.Reason
	if err := decode(r, small, &why); err != nil {
		return nil, err
	}
	sys, err := s.pause(r.Context(), actor, r.PathValue("name"), why.Reason)
	if err != nil {
		return nil, err
	}
	return systemForm(sys), nil
}

func (s *Server) apiResume(r *http.Request, actor string) (any, error) {
	sys, err := s.resume(r.Context(), actor, r.PathValue("name"))
	if err != nil {
		return nil, err
	}
	return systemForm(sys), nil
}

func (s *Server) apiProbe(r *http.Request, actor string) (any, error) {
	name := r.PathValue("name")
	took, failed, err := s.probe(r.Context(), actor, name)
	if err != nil {
		return nil, err
	}
	out := admin.Probe{System: name, OK: failed == nil, Milliseconds: milliseconds(took)}
	if failed != nil {
		out.Error = failed.Error()
	}
	return out, nil
}

func (s *Server) apiReload(r *http.Request, actor string) (any, error) {
	swapped, revision, findings, err := s.reload(r.Context(), actor)
	if err != nil {
		return nil, err
	}
	if findings == nil {
		findings = config.Findings{}
	}
	return admin.Reload{Swapped: swapped, Revision: revision, Findings: findings}, nil
}

func (s *Server) apiRewrap(r *http.Request, actor string) (any, error) {
	changed, unread, err := s.rewrap(r.Context(), actor)
	if err != nil {
		return nil, err
	}
	return admin.Rewrap{Changed: changed, Unread: unread}, nil
}

func (s *Server) apiFigures(r *http.Request, _ string) (any, error) {
	f, err := s.Store.Figures(r.Context())
	if err != nil {
		return nil, fmt.Errorf("count submissions: %w", err)
	}
	return admin.Figures{Submissions: f.Submissions, Parked: f.Parked}, nil
}

func (s *Server) apiDoctor(r *http.Request, _ string) (any, error) {
	out := admin.Doctor{At: s.Now()}
	for _, c := range s.doctor(r.Context()) {
		out.Checks = append(out.Checks, admin.Check(c))
	}
	return out, nil
}

func (s *Server) apiRender(r *http.Request, _ string) (any, error) {
	var in admin.Render
	if err := decode(r, s.Live.Get().Hub.Limits.Payload*4/3+small, &in); err != nil {
		return nil, err
	}
	docs, err := s.dryRun(r.Context(), in)
	if err != nil {
		return nil, err
	}
	out := admin.Renderings{Documents: make([]admin.Rendered, len(docs))}
	for i, d := range docs {
		out.Documents[i] = admin.Rendered{Role: d.Role, System: d.System, Mapping: d.Mapping, Name: d.Name,
			ContentType: d.ContentType, Body: d.Body, After: d.After, Held: d.Hold}
	}
	return out, nil
}

func (s *Server) apiVersion(*http.Request, string) (any, error) {
	snap := s.Live.Get()
	out := admin.Version{Version: s.Version, Revision: snap.Revision, Portals: snap.Hub.Listen.Public, Node: snap.Hub.Node}
	if s.Portals != nil {
		out.Portals = s.Portals()
	}
	return out, nil
}
