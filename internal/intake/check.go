package intake

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"stellwerk/internal/gate"
)

// check sends the payload through the gate and picks the value that orders
// submissions on the way. order is empty where the route has none.
func (rd *reader) check() (order string, p *refusal) {
	c, in := rd.c, rd.in
	body, rt := in.payload.bytes, in.binding.Route
	opts := gate.Options{
		Limits: gate.Limits{Bytes: c.snap.Hub.Limits.Payload},
		Schema: in.input.Schema,
		Large:  rd.large,
	}
	path := strings.TrimPrefix(rt.OrderBy, "/")
	var watch *gate.Watch
	if path != "" {
		// A path with an attribute or a star is looked up in a tree below.
		if w, err := gate.NewWatch(path); err == nil {
			watch = w
			opts.Handlers = []gate.Handler{w}
		}
	}
	if _, err := gate.Check(c.r.Context(), body, in.mediaType, opts); err != nil {
		return "", gateProblem(c, err)
	}
	if path == "" {
		return "", nil
	}
	if watch != nil && !watch.Partial(path) {
		for _, v := range watch.Values(path) {
			if v = strings.TrimSpace(v); v != "" {
				return v, nil
			}
		}
		return "", nil
	}
	tree, err := gate.Tree(c.r.Context(), body, in.mediaType, opts.Limits)
	if err != nil {
		return "", gateProblem(c, err)
	}
	return rt.OrderValue(tree.Root()), nil
}

// gateProblem says what the gate's verdict means for the portal.
func gateProblem(c *call, err error) *refusal {
	var invalid *gate.Invalid
	if errors.As(err, &invalid) {
		p := refuse(CodePayloadInvalid)
		p.more = invalid.More
		for _, f := range invalid.Findings {
			p.findings = append(p.findings, Finding{
				Line: f.Line, Column: f.Column, Pointer: f.Pointer, Path: f.Path, Rule: f.Rule, Detail: text{f.De, f.En}.in(c.lang),
			})
		}
		return p
	}
	if r, ok := gate.IsRefusal(err); ok {
		return refusalProblem(c, r)
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return refuse(CodeInterrupted)
	}
	return refuse(CodeInternal).because(fmt.Errorf("check a payload: %w", err))
}

func refusalProblem(c *call, r *gate.Refusal) *refusal {
	var p *refusal
	switch {
	case r.Code == "empty":
		p = refuse(CodePayloadMissing)
	case r.Code == "media-type":
		p = refuse(CodeMediaType, mediaTypes)
	case r.Code == "encoding-unsupported":
		p = refuse(CodePayloadEncoding)
	case r.Code == "limit-bytes":
		p = refuse(CodePayloadLarge, bytesText(c.snap.Hub.Limits.Payload))
	case strings.HasPrefix(r.Code, "limit-"):
		p = refuse(CodePayloadComplex)
	default:
		p = refuse(CodePayloadMalformed)
	}
	return p.with(Finding{Line: r.Line, Column: r.Column, Pointer: r.Pointer, Rule: r.Code, Detail: text{r.De, r.En}.in(c.lang)})
}
