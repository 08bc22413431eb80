package gate

// qname is a name as it was written.
type qname struct{ raw, prefix, local string }

// names makes each name of a document a string once. Tables are kept between
// scans, because the documents of one service have the same few names, and are
// bounded, because hostile ones do not.
type names struct {
	qnames  map[string]*qname
	strings map[string]string
}

const (
	maxInterned  = 2048 // entries of a table during a scan
	keepInterned = 512  // entries that a table may have to be kept after it
)

func (n *names) ready() {
	if n.qnames == nil || len(n.qnames) > keepInterned {
		n.qnames = make(map[string]*qname)
	}
	if n.strings == nil || len(n.strings) > keepInterned {
		n.strings = make(map[string]string)
	}
}

// str is b as a string.
func (n *names) str(b []byte) string {
	if s, ok := n.strings[string(b)]; ok {
		return s
	}
	s := string(b)
	if len(n.strings) < maxInterned {
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
	if len(n.qnames) < maxInterned {
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
