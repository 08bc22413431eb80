package rest

import (
	"context"
	"fmt"
	"maps"

	"stellwerk/connectors"
	"stellwerk/connectors/wire"
)

// Connector delivers to one system over HTTP.
type Connector struct {
	*config
	*wire.Client
}

// Open reads secrets and certificates; it connects to nothing.
func (c *config) Open(env connectors.Environment) (connectors.Connector, error) {
	client, err := c.Settings.Open(env)
	if err != nil {
		return nil, err
	}
	return &Connector{c, client}, nil
}

// Deliver runs the steps, one request each or one for each attachment.
func (c *Connector) Deliver(ctx context.Context, m *connectors.Message) connectors.Receipt {
	ctx, end, ok := c.Begin(ctx)
	defer end()
	if !ok {
		return wire.Closed()
	}
	s := &scope{message: m, attachment: -1, kept: make([]map[string]string, len(m.Attachments)+1)}
	done := connectors.Receipt{Outcome: connectors.Delivered, Code: "nothing-to-send"}
	taken := false // an earlier request has left something at the partner
	for _, step := range c.steps {
		rounds, first := 1, -1
		if step.each {
			rounds, first = len(m.Attachments), 0
		}
		for i := range rounds {
			s.attachment = first + i
			v := c.send(ctx, step, s)
			c.finish(step, &v.Receipt)
			if v.Outcome != connectors.Delivered {
				return c.afterFailure(step, done, v.Receipt, taken)
			}
			taken = taken || !step.harmless
			s.keep(v.kept)
			done = merge(done, v.Receipt)
		}
	}
	if done.Code == "nothing-to-send" {
		done.Outcome = connectors.Refused
	}
	return done
}

// keep remembers values for later steps: of this attachment, or of all.
func (s *scope) keep(values map[string]string) {
	at := len(s.kept) - 1
	if s.attachment >= 0 {
		at = s.attachment
	}
	if len(values) > 0 && s.kept[at] == nil {
		s.kept[at] = map[string]string{}
	}
	maps.Copy(s.kept[at], values)
}

// afterFailure weighs a failed step against what earlier ones left behind: half a
// delivery is neither "certainly not taken" nor done, except for a partner that
// recognises what it already has.
func (c *Connector) afterFailure(step *compiled, done, failed connectors.Receipt, taken bool) connectors.Receipt {
	if len(c.steps) > 1 && step.name != "" {
		failed.Code = step.name + "-" + failed.Code
	}
	failed.Answer = merge(done, failed).Answer
	if !taken || failed.Outcome == connectors.Unknown || failed.Outcome == connectors.Awaiting {
		return failed
	}
	if failed.Outcome == connectors.Retry && c.repeatable {
		return failed
	}
	failed.Person = failed.Outcome == connectors.Refused // it would be again, and asking finds the first half only
	failed.Outcome = connectors.Unknown
	failed.Detail = "an earlier step was taken; " + failed.Detail
	return failed
}

// merge gives the later receipt with the answers of both.
func merge(a, b connectors.Receipt) connectors.Receipt {
	if len(a.Answer) > 0 {
		all := maps.Clone(a.Answer)
		maps.Copy(all, b.Answer)
		b.Answer = all
	}
	return b
}

// finish takes everything secret out of a receipt.
func (c *Connector) finish(step *compiled, r *connectors.Receipt) {
	c.Redact(r)
	if step.harmless && r.Outcome == connectors.Unknown {
		r.Outcome = connectors.Retry
	}
}

// Ask looks a message up. What its own rules do not say is unknown, or still awaited where
// there is a token: the message was taken. A refusal by any other rule is one of the
// question: it says nothing of what was sent.
func (c *Connector) Ask(ctx context.Context, m *connectors.Message) connectors.Receipt {
	ctx, end, ok := c.Begin(ctx)
	defer end()
	if !ok {
		return wire.StillAwaiting(connectors.Receipt{Code: "closed"}, m.Token)
	}
	if c.ask == nil {
		return connectors.Receipt{Code: "not-askable"}
	}
	v := c.send(ctx, c.ask, &scope{message: m, attachment: -1, kept: make([]map[string]string, 1)})
	c.finish(c.ask, &v.Receipt)
	if v.Outcome == connectors.Retry && v.Code == "not-found" {
		return v.Receipt
	}
	if v.Outcome == connectors.Retry || v.Outcome == connectors.Refused && !v.own {
		v.Outcome = connectors.Unknown
	}
	return wire.StillAwaiting(v.Receipt, m.Token)
}

// Probe sends the profile's probe and checks the status.
func (c *Connector) Probe(ctx context.Context) error {
	ctx, end, ok := c.Begin(ctx)
	defer end()
	if !ok {
		return fmt.Errorf("probe: the connector is closed")
	}
	s := &scope{message: &connectors.Message{}, attachment: -1, kept: make([]map[string]string, 1)}
	a, failed := c.exchange(ctx, c.probe, s)
	if failed != nil {
		c.finish(c.probe, failed)
		return fmt.Errorf("probe: %s: %s", failed.Code, failed.Detail)
	}
	if !c.probe.expect.has(a.Status) {
		return fmt.Errorf("probe: HTTP %d is not expected; check address and credentials", a.Status)
	}
	return nil
}
