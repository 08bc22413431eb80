package xsd

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"path"
	"strings"
)

// Source gives schema documents. It never reaches beyond what it was made of: a location it does not
// know is not there.
type Source interface {
	// Resolve finds the file meant by location, written in file base ("" for locations given to Compile),
	// or, where location is empty, by namespace alone.
	Resolve(base, location, namespace string) (file string, ok bool)
	Open(file string) (io.ReadCloser, error)
}

// Files is a Source over a file tree. The catalogue, which may be nil, is asked for the location first;
// then the location is a path relative to the file that names it; then the catalogue is asked for the
// namespace. Paths that lead out of the tree are not there.
func Files(tree fs.FS, catalog *Catalog) Source { return files{tree, catalog} }

type files struct {
	tree    fs.FS
	catalog *Catalog
}

func (f files) Open(file string) (io.ReadCloser, error) { return f.tree.Open(file) }

func (f files) Resolve(base, location, namespace string) (string, bool) {
	if to, ok := f.catalog.lookup(location); ok {
		return f.present(to)
	}
	if file, ok := f.relative(base, location); ok {
		return file, true
	}
	if to, ok := f.catalog.lookup(namespace); ok {
		return f.present(to)
	}
	return "", false
}

func (f files) relative(base, location string) (string, bool) {
	location = strings.ReplaceAll(location, "\\", "/")
	if i := strings.IndexByte(location, '#'); i >= 0 {
		location = location[:i]
	}
	if strings.Contains(location, "://") || strings.HasPrefix(location, "/") || location == "" {
		return "", false
	}
	at := path.Join(path.Dir(base), location)
	if file, ok := f.present(at); ok {
		return file, true
	}
	if plain, err := url.PathUnescape(location); err == nil && plain != location {
		return f.present(path.Join(path.Dir(base), plain))
	}
	return "", false
}

func (f files) present(file string) (string, bool) {
	if !fs.ValidPath(file) {
		return "", false
	}
	info, err := fs.Stat(f.tree, file)
	return file, err == nil && !info.IsDir()
}

// Catalog is an OASIS XML catalogue: it says which file stands for an address or a namespace. Its
// targets are paths of the same file tree.
type Catalog struct {
	exact   map[string]string // system identifiers and URIs, namespaces among them
	rewrite []rewriteRule     // the longest that fits wins
}

type rewriteRule struct {
	start, to string
	suffix    bool
}

const catalogSpace = "urn:oasis:names:tc:entity:xmlns:xml:catalog"

// ReadCatalog reads the catalogue file of a tree. Entries it points to may be catalogues themselves
// (nextCatalog). Targets are relative to the catalogue that names them.
func ReadCatalog(ctx context.Context, tree fs.FS, file string) (*Catalog, error) {
	c := &Catalog{exact: map[string]string{}}
	if err := c.read(ctx, tree, file, 0); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Catalog) read(ctx context.Context, tree fs.FS, file string, depth int) error {
	if depth > 20 {
		return fmt.Errorf("%s: catalogues refer to each other in a circle", file)
	}
	in, err := tree.Open(file)
	if err != nil {
		return fmt.Errorf("read catalogue: %w", err)
	}
	defer in.Close()
	root, err := readTree(ctx, file, in)
	if err != nil {
		return fmt.Errorf("%s:%w", file, err)
	}
	if root.name != (Name{catalogSpace, "catalog"}) {
		return fmt.Errorf("%s:%d:%d: <%s> is no OASIS XML catalogue", file, root.at.line, root.at.col, root.name.Local)
	}
	return c.entries(ctx, tree, file, path.Dir(file), root, depth)
}

func (c *Catalog) entries(ctx context.Context, tree fs.FS, file, base string, n *node, depth int) error {
	for i := range n.attrs {
		if n.attrs[i].Name == (Name{xmlSpace, "base"}) {
			base = join(base, n.attrs[i].Value)
		}
	}
	for _, k := range n.kids {
		if k.name.Space != catalogSpace {
			continue
		}
		var err error
		switch k.name.Local {
		case "group":
			err = c.entries(ctx, tree, file, base, k, depth)
		case "system":
			c.add(k.token("systemId"), join(base, k.token("uri")))
		case "uri":
			c.add(k.token("name"), join(base, k.token("uri")))
		case "rewriteSystem":
			c.addRule(rewriteRule{k.token("systemIdStartString"), join(base, k.token("rewritePrefix")), false}, k.token("rewritePrefix"))
		case "rewriteURI":
			c.addRule(rewriteRule{k.token("uriStartString"), join(base, k.token("rewritePrefix")), false}, k.token("rewritePrefix"))
		case "systemSuffix":
			c.addRule(rewriteRule{k.token("systemIdSuffix"), join(base, k.token("uri")), true}, "")
		case "uriSuffix":
			c.addRule(rewriteRule{k.token("uriSuffix"), join(base, k.token("uri")), true}, "")
		case "nextCatalog":
			err = c.read(ctx, tree, join(base, k.token("catalog")), depth+1)
		case "public", "delegatePublic": // no public identifiers in schemas
		default:
			err = fmt.Errorf("%s:%d:%d: catalogue entry <%s> is not supported", file, k.at.line, k.at.col, k.name.Local)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func join(base, to string) string {
	if strings.Contains(to, "://") {
		return to
	}
	return path.Join(base, to)
}

// The first entry of a name wins.
func (c *Catalog) add(name, to string) {
	if _, ok := c.exact[name]; !ok && name != "" {
		c.exact[name] = to
	}
}

func (c *Catalog) addRule(r rewriteRule, prefix string) {
	if strings.HasSuffix(prefix, "/") {
		r.to += "/"
	}
	if r.start != "" {
		c.rewrite = append(c.rewrite, r)
	}
}

func (c *Catalog) lookup(name string) (string, bool) {
	if c == nil || name == "" {
		return "", false
	}
	if to, ok := c.exact[name]; ok {
		return to, true
	}
	best, to := 0, ""
	for _, r := range c.rewrite {
		switch {
		case len(r.start) <= best:
		case r.suffix && strings.HasSuffix(name, r.start):
			best, to = len(r.start), r.to
		case !r.suffix && strings.HasPrefix(name, r.start):
			best, to = len(r.start), r.to+name[len(r.start):]
		}
	}
	return path.Clean(to), best > 0
}
