package cli

import (
	"fmt"
	"maps"
	"path"
	"slices"

	"github.com/spf13/cobra"

	"stellwerk/internal/config"
	"stellwerk/internal/hub"
	"stellwerk/internal/mapping"
)

func (p *Program) mappingRender() *cobra.Command {
	var ags, out string
	var fields bool
	cmd := &cobra.Command{
		Use:   "render MAPPING INPUT",
		Short: "Render a file by a mapping, without a hub",
		Args:  usage(cobra.ExactArgs(2)),
	}
	dir := p.folder(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		snap, err := p.snapshot(*dir)
		if err != nil {
			return err
		}
		m, file, err := one(snap, args[0])
		if err != nil {
			return err
		}
		body, mediaType, err := p.readInput(args[1])
		if err != nil {
			return err
		}
		root, err := tree(cmd.Context(), body, mediaType)
		if err != nil {
			return fmt.Errorf("read %s: %w", args[1], err)
		}
		env, err := p.sample(snap, path.Dir(file), ags)
		if err != nil {
			return err
		}
		if fields {
			return p.printFields(m.Explain(root, env))
		}
		doc, err := m.Apply(root, env)
		if err != nil {
			return err
		}
		if p.json {
			return p.emit(struct {
				Name        string `json:"name"`
				ContentType string `json:"content-type"`
				Records     int    `json:"records"`
				Body        []byte `json:"body"` // base64
			}{doc.FileName, doc.ContentType, doc.Records, doc.Body})
		}
		return p.writeContent(doc.Body, out)
	}
	cmd.Flags().StringVar(&ags, "municipality", "", "whose local law applies (AGS); the first that offers the service where none is given")
	cmd.Flags().BoolVar(&fields, "fields", false, "show every field: source, value before and after")
	cmd.Flags().StringVar(&out, "out", "", "write the document to this file")
	return cmd
}

// sample is the submission under which a file is rendered without a hub.
func (p *Program) sample(snap *config.Snapshot, service, ags string) (*mapping.Env, error) {
	if ags == "" {
		for _, a := range slices.Sorted(maps.Keys(snap.Municipalities)) {
			if _, ok := snap.Binding(a, service); ok {
				ags = a
				break
			}
		}
	}
	id := (&hub.IDs{Now: p.Now}).New()
	env := &mapping.Env{
		Submission: mapping.Submission{ID: id.String(), Number: id.Number(), Service: service, Portal: "cli", Delivery: id.Delivery(1).String(), ReceivedAt: p.Now()},
		Meta:       mapping.Meta{Channel: "portal", ConsentAt: p.Now()},
		Next:       func(string, string) (string, error) { return "1", nil },
		Now:        p.Now,
	}
	if ags == "" {
		return env, nil
	}
	b, ok := snap.Binding(ags, service)
	if !ok {
		return nil, &notFoundError{fmt.Errorf("%s does not offer %s", ags, service)}
	}
	env.Municipality = mapping.Municipality{AGS: b.Competent.AGS, Name: b.Competent.Name}
	env.Ordinances = b.Competent.Ordinances
	return env, nil
}

func (p *Program) printFields(results []mapping.FieldResult) error {
	held := 0
	type form struct {
		Record int    `json:"record"`
		Target string `json:"target"`
		Source string `json:"source"`
		Line   int    `json:"line"`
		Before string `json:"before"`
		After  string `json:"after"`
		Filled bool   `json:"filled"`
		Held   string `json:"held,omitempty"`
	}
	forms := []form{}
	t := columns(">REC", "~TARGET", "~SOURCE", "~BEFORE", "~AFTER")
	for _, r := range results {
		f := form{Record: r.Record, Target: r.Target, Source: r.Source, Line: r.Line, Before: r.Before, After: r.After, Filled: r.Present}
		after := r.After
		switch {
		case r.Hold != nil:
			held++
			f.Held = r.Hold.Message
			after = "held: " + r.Hold.Message
		case !r.Present:
			after = "(left out)"
		}
		forms = append(forms, f)
		t.add(fmt.Sprint(r.Record), r.Target, r.Source, r.Before, after)
	}
	if p.json {
		if err := p.emit(struct {
			Fields []form `json:"fields"`
		}{forms}); err != nil {
			return err
		}
	} else {
		p.printOrNothing(t, "no field")
	}
	if held > 0 {
		return errFindings
	}
	return nil
}
