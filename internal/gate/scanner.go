package gate

import (
	"context"
	"errors"
	"io"
	"sync"
)

// scanner is what the scans of both formats have in common.
type scanner struct {
	source
	names
	lim    Limits
	h      Handler
	arrays ArrayHandler
	start  Start
	vals   []byte // the attribute values of one tag, or one JSON key
	nodes  int
	most   int // nodes

	encoding string

	// XML
	stack []frame
	scope []binding
	spans []span
	seen  map[Name]struct{}
	refs  int

	// JSON
	open   []level
	keys   []uint64
	held   int // keys of the open objects
	tables []map[uint64]uint32
}

// scanners keeps buffers between scans; of documents it holds names at most.
var scanners = sync.Pool{New: func() any { return new(scanner) }}

func (s *scanner) refuse(code string, off int, name string, n int) error {
	return refusal(code, s.locate(off), name, n)
}

// node counts one more element, attribute or value.
func (s *scanner) node(at Pos) error {
	s.nodes++
	if s.nodes > s.most {
		return refusal(codeLimitNodes, at, "", s.most)
	}
	if s.nodes&1023 == 0 {
		return s.ctx.Err()
	}
	return nil
}

// scan runs one document through h, which may be nil.
func scan(ctx context.Context, body []byte, rd io.Reader, media media, lim Limits, h Handler) (Result, error) {
	s := scanners.Get().(*scanner)
	s.lim, s.h, s.nodes, s.refs, s.held = lim.WithDefaults(), h, 0, 0, 0
	s.arrays, _ = h.(ArrayHandler)
	s.names.ready()
	s.source.open(ctx, body, rd, s.lim.Bytes)
	defer func() {
		s.release()
		scanners.Put(s)
	}()
	res := Result{Format: media.format}
	var err error
	s.most = s.lim.Nodes
	if media.format == FormatJSON {
		s.most = s.lim.Values
		err = s.json(media, &res)
		var r *Refusal
		if errors.As(err, &r) {
			r.Pointer = s.pointer()
		}
	} else {
		err = s.xml(media, &res)
	}
	res.Nodes, res.Encoding = s.nodes, s.encoding
	return res, err
}

// release lets go of everything that came from the document but for the interned
// names, and of what has grown beyond the usual.
func (s *scanner) release() {
	s.source.close()
	s.names.ready()
	s.h, s.arrays, s.encoding = nil, nil, ""
	clear(s.stack[:cap(s.stack)])
	clear(s.scope[:cap(s.scope)])
	clear(s.open[:cap(s.open)])
	clear(s.start.Attrs[:cap(s.start.Attrs)])
	clear(s.start.Decls[:cap(s.start.Decls)])
	s.start = Start{Attrs: s.start.Attrs[:0], Decls: s.start.Decls[:0]}
	s.stack, s.scope, s.open, s.tables, s.seen = s.stack[:0], s.scope[:0], s.open[:0], nil, nil
	clear(s.spans[:cap(s.spans)])
	clear(s.vals[:cap(s.vals)])
	s.spans, s.vals, s.keys = s.spans[:0], s.vals[:0], s.keys[:0]
	if cap(s.vals) > 8<<10 {
		s.vals = nil
	}
	if cap(s.keys) > 1024 {
		s.keys = nil
	}
}
