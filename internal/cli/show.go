package cli

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"stellwerk/internal/hub"
	"stellwerk/internal/web/admin"
)

// show shows one submission, or the content of one of its documents.
func (p *Program) show() *cobra.Command {
	var document, payload bool
	var out string
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show a submission and its deliveries",
		Long: `Show a submission and its deliveries. ID is an id or a number; with /N it is
the N-th delivery.

--document writes the document of a delivery (show 4KQ2-X7M1-9ABH/2 --document),
--payload what the portal pushed. Both are noted in the audit trail.`,
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := parseRef(args[0])
			if err != nil {
				return err
			}
			if document && payload {
				return wrongUsage("--document and --payload exclude each other")
			}
			if out != "" && !document && !payload {
				return wrongUsage("--out is for --document and --payload")
			}
			c, err := p.client()
			if err != nil {
				return err
			}
			if payload {
				d, err := c.Payload(cmd.Context(), r.submission)
				if err != nil {
					return err
				}
				return p.showContent(&d, out)
			}
			s, err := c.Submission(cmd.Context(), r.submission)
			if err != nil {
				return err
			}
			if !document {
				if err := hasOrdinal(&s, r); err != nil {
					return err
				}
				return p.showSubmission(&s)
			}
			if r.ordinal == 0 {
				return wrongUsage("--document needs a delivery: %s/1 to %s/%d", s.Number, s.Number, len(s.Deliveries))
			}
			delivery, err := pick(&s, r.ordinal)
			if err != nil {
				return err
			}
			d, err := c.Document(cmd.Context(), delivery.ID)
			if err != nil {
				return err
			}
			return p.showContent(&d, out)
		},
	}
	cmd.Flags().BoolVar(&document, "document", false, "write the delivery's document")
	cmd.Flags().BoolVar(&payload, "payload", false, "write what the portal pushed")
	cmd.Flags().StringVar(&out, "out", "", "write the content to this file")
	return cmd
}

func (p *Program) showContent(d *admin.Document, out string) error {
	if p.json {
		return p.emit(d)
	}
	return p.writeContent(d.Body, out)
}

func (p *Program) showSubmission(s *admin.Submission) error {
	if p.json {
		return p.emit(s)
	}
	p.heading(s)
	p.deliveries(s)
	p.advise(s, nil)
	return nil
}

// heading is what every view of a case begins with.
func (p *Program) heading(s *admin.Submission) {
	p.say("%s  %s  %s", s.Number, s.Service, s.State)
	p.say("")
	town := s.Municipality
	if s.MunicipalityName != "" {
		town += " " + s.MunicipalityName
	}
	p.say("  id            %s", s.ID.String())
	p.say("  municipality  %s", town)
	p.say("  portal        %s (%s)", s.Portal, s.Channel)
	if s.Bundle != nil {
		p.say("  bundle        %s, part %s", s.Bundle.Number, s.Bundle.Part)
	}
	p.say("  received      %s", p.clock(s.ReceivedAt))
	if !s.SettledAt.IsZero() {
		p.say("  settled       %s, %s later", p.clock(s.SettledAt), span(s.SettledAt.Sub(s.ReceivedAt)))
	}
	if s.Hold != nil {
		p.say("  held          %s by %s: %s", p.clock(s.Hold.Since), s.Hold.By, s.Hold.Reason)
	}
	if e := s.Erased; e != nil && !e.Payload.IsZero() {
		p.say("  deleted       content %s", p.clock(e.Payload))
	}
	if s.Withdrawal != nil {
		p.say("  withdrawn     %s", p.clock(s.Withdrawal.At))
	}
	attachments := ""
	if s.Attachments > 0 {
		attachments = ", " + strconv.Itoa(s.Attachments) + " attached"
	}
	if s.Status != "" {
		p.say("  status        %s: %s", s.Status, s.Told)
	}
	if s.PortalKnows != "" && s.PortalKnows != s.Status {
		p.say("  portal knows  %s", s.PortalKnows)
	}
	if s.WaitsTo != "" {
		p.say("  waits for     %s to %s", s.Waits, s.WaitsTo)
	}
	p.say("  payload       %s, %s%s, sha256 %s…", s.Format, bytesOf(s.Size), attachments, s.SHA256[:min(16, len(s.SHA256))])
	p.say("  configuration %s", s.Revision)
	p.say("")
}

// deliveries is the table of where every document stands.
func (p *Program) deliveries(s *admin.Submission) {
	if len(s.Deliveries) == 0 {
		return
	}
	t := columns(">#", "~ROLE", "~SYSTEM", "STATE", "~CODE", ">TRIES", "WHEN")
	for _, d := range s.Deliveries {
		state := string(d.State)
		if d.Reason != "" {
			state += ": " + string(d.Reason)
		}
		when := ""
		switch {
		case !d.SettledAt.IsZero():
			when = p.when(d.SettledAt)
		case !d.NotBefore.IsZero() && d.NotBefore.After(p.Now()):
			when = "next " + p.when(d.NotBefore)
		case !d.UpdatedAt.IsZero():
			when = p.when(d.UpdatedAt)
		}
		code := d.Code
		if d.State == hub.DeliveryDelivered { // what was wrong before it is past; the attempts tell it
			code = ""
		}
		t.add(strconv.Itoa(d.Ordinal), d.Role, d.System, state, code, strconv.Itoa(d.Attempts), when)
	}
	p.print(t)
	p.say("")
}

// advise says cause and next step.
func (p *Program) advise(s *admin.Submission, attempts []admin.Attempt) {
	cause, next := advice(p, s, attempts)
	fmt.Fprint(p.Out, wrap(clean("Cause: "+cause), "", p.room()))
	fmt.Fprint(p.Out, wrap(clean("Next:  "+next), "", p.room()))
}
