package gate

// qname is a name as it was written.
type qname struct{ raw, prefix, local string }

// names makes each name of a document a string once. Tables are kept between
// scans, because the documents of one service have the same few names, and are
// bounded, because hostile ones do not.
type names struct {
	qnames  map[string]*qname
	strings map[string]string
	bytes   int // what both tables cost, by estimate
}

const (
	entryBytes   = 128       // of an entry beside its text
	maxInterned  = 256 << 10 // bytes of the tables during a scan
	keepInterned = 64 << 10  // bytes that they may have to be kept after it
)

func (n *names) ready() {
	if n.qnames == nil || n.bytes > keepInterned {
		*n = names{qnames: make(map[string]*qname), strings: make(map[string]string)}
	}
}

// room reports whether one more text can be remembered, and counts it.
func (n *names) room(text string) bool {
	cost := entryBytes + len(text)
	if n.bytes+cost > maxInterned {
		return false
	}
	n.bytes += cost
	return true
}

// str is b as a string.
func (n *names) str(b []byte) string {
	if s, ok := n.strings[string(b)]; ok {
		return s
	}
	s := string(b)
	if n.room(s) {
		n.strings[s] = s
	}
	return s
}

// add remembers a checked name.
func (n *names) add(raw []byte, colon int) *qname {
	q := &qname{raw: string(raw)}
	q.local = q.raw
	if colon >= 0 {
		q.prefix, q.local = q.raw[:colon], q.raw[colon+1:]
	}
	if n.room(q.raw) {
		n.qnames[q.raw] = q
	}
	return q
}

// binding is a namespace declaration in scope.
type binding struct{ prefix, uri string }

const (
	xmlSpace   = "http://www.w3.org/XML/1998/namespace"
	xmlnsSpace = "http://www.w3.org/2000/xmlns/"
)

func lookup(scope []binding, prefix string) (string, bool) {
	for i := len(scope) - 1; i >= 0; i-- {
		if scope[i].prefix == prefix {
			return scope[i].uri, true
		}
	}
	if prefix == "xml" {
		return xmlSpace, true
	}
	return "", prefix == ""
}
