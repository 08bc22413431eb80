package route

import (
	"cmp"
	"fmt"
	gopath "path"
	"slices"
	"time"
)

// windows checks that the versions of a format follow each other: at every time one
// is the newest, none is taken between two, and an old one has an end.
func (l *loader) windows(r *Route, places map[string]string) {
	for _, format := range []string{"xml", "json"} {
		var in []*Input
		for i := range r.Inputs {
			if r.Inputs[i].Format == format {
				in = append(in, &r.Inputs[i])
			}
		}
		slices.SortStableFunc(in, func(a, b *Input) int { return a.From.Compare(b.From) })
		l.sequence(format, in, places)
	}
	l.lastEnd(r, places)
	l.fileNames(r, places)
}

func (l *loader) sequence(format string, in []*Input, places map[string]string) {
	var end time.Time // until when one of the versions so far is taken; zero: without end
	for i := 1; i < len(in); i++ {
		old, next := in[i-1], in[i]
		at := places[next.id()]
		if i == 1 || !end.IsZero() && (old.Until.IsZero() || old.Until.After(end)) {
			end = old.Until
		}
		switch {
		case next.From.Equal(old.From):
			l.at(at, fmt.Sprintf("%s %s and %s begin at the same time: nothing says which one is the newer", format, old.Version, next.Version),
				"give the newer one a from")
		case !end.IsZero() && next.From.After(end):
			l.warn(at+".from", fmt.Sprintf("%s: nothing is taken from %s to %s", format, day(end), day(next.From)),
				"let one version end where the next begins, or later")
		case old.Until.IsZero():
			l.warn(places[old.id()], fmt.Sprintf("%s %s is taken beside %s without end", format, old.Version, next.Version), "give it an until")
		}
	}
}

// lastEnd warns of the day from which the service is taken in no form at all.
func (l *loader) lastEnd(r *Route, places map[string]string) {
	if len(r.Inputs) == 0 {
		return
	}
	last := slices.MaxFunc(r.Inputs, func(a, b Input) int {
		switch {
		case a.Until.IsZero() || b.Until.IsZero():
			return cmp.Compare(bit(a.Until.IsZero()), bit(b.Until.IsZero()))
		}
		return a.Until.Compare(b.Until)
	})
	if !last.Until.IsZero() {
		l.warn(places[last.id()]+".until", "from "+day(last.Until)+" on the service is taken in no form", "add the version that follows")
	}
}

// fileNames: portals fetch a schema by the name of its file.
func (l *loader) fileNames(r *Route, places map[string]string) {
	seen := map[string]string{}
	for i := range r.Inputs {
		in := &r.Inputs[i]
		base := gopath.Base(in.SchemaFile)
		if other, ok := seen[base]; ok && other != in.SchemaFile {
			l.at(places[in.id()]+"."+in.Format, fmt.Sprintf("%s and %s have the same file name, by which portals fetch them", other, in.SchemaFile), "rename one")
		}
		seen[base] = in.SchemaFile
	}
}

func (in *Input) id() string { return in.Format + " " + in.Version }

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

func day(t time.Time) string { return t.Format(time.DateOnly) }
