package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"stellwerk/internal/app"
	"stellwerk/internal/config"
	"stellwerk/internal/vault"
)

// init writes the folder of a new municipality.
func (p *Program) init() *cobra.Command {
	var dir, name string
	var services []string
	cmd := &cobra.Command{
		Use:   "init AGS",
		Short: "Write a commented operator's folder for a new municipality",
		Long: `Write a commented operator's folder for a new municipality, or add the municipality
to a folder that is there: its own file, a system for every role that its services
need, local law as tables to edit, a portal and a counter with fresh keys, and,
where they are not there yet, an operator, the keyring and stellwerk.yaml.

  stellwerk init 05974040 --name "Stadt Soest" --dir /etc/stellwerk
  stellwerk check --dir /etc/stellwerk      # says exactly what is still missing

Nothing is ever overwritten: a file that is there stays and is named.

Without --service a town offers every service that it decides itself, and a Kreis
those that go to the role district; the others are there as comments.`,
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			return p.runInit(args[0], dir, name, services)
		},
	}
	f := cmd.Flags()
	f.StringVar(&dir, "dir", "", "the folder; one named by the AGS where none is given")
	f.StringVar(&name, "name", "", `of the municipality, as citizens know it: "Stadt Soest"`)
	f.StringArrayVar(&services, "service", nil, "offer this service; may be repeated")
	return cmd
}

var (
	agsOfTown = regexp.MustCompile(`^(0[1-9]|1[0-6])[0-9]{3}([0-9]{3})?$`)
	notInName = regexp.MustCompile(`[^a-z0-9]+`)
)

// beginning is a new municipality on its way into a folder.
type beginning struct {
	dir, ags, name string
	slug           string // part of its files' names
	written, kept  []string
	offers         []config.Offer
	chosen         []string // services
}

func (p *Program) runInit(ags, dir, name string, services []string) error {
	if !agsOfTown.MatchString(ags) {
		return wrongUsage("%q is no AGS: eight digits for a town, five for a Kreis, with the leading zero", ags)
	}
	if strings.ContainsFunc(name, func(r rune) bool { return !visible(r) && r != ' ' }) {
		return wrongUsage("--name has characters that cannot be seen")
	}
	b := &beginning{dir: dir, ags: ags, name: strings.TrimSpace(name)}
	if b.dir == "" {
		b.dir = ags
	}
	if b.name == "" {
		b.name = "Kommune " + ags
	}
	b.slug = slugOf(name, ags)
	if _, err := os.Stat(b.path("portals/portal-" + b.slug + ".yaml")); err == nil {
		b.slug += "-" + ags // somebody else's: its systems and portals must not become this one's
	}
	var err error
	if b.offers, err = app.Offers(); err != nil {
		return err
	}
	if err := b.choose(services); err != nil {
		return err
	}
	if _, err := os.Stat(b.path("municipalities/" + ags + ".yaml")); err == nil {
		return wrongUsage("%s is there already; edit it, or remove it to begin anew", b.path("municipalities/"+ags+".yaml"))
	}
	if err := b.write(); err != nil {
		return err
	}
	if p.json {
		return p.emit(struct {
			Dir     string   `json:"dir"`
			Written []string `json:"written"`
			Kept    []string `json:"kept"`
		}{b.dir, list0(b.written), list0(b.kept)})
	}
	for _, f := range b.written {
		p.say("  written  %s", f)
	}
	for _, f := range b.kept {
		p.say("  kept     %s", f)
	}
	p.say("")
	p.say("Next: stellwerk check --dir %s says what is still missing.", quote(b.dir))
	return nil
}

// slugOf is what tells a municipality's files apart: its whole name (Stadt Soest
// is not Kreis Soest), else its AGS.
func slugOf(name, ags string) string {
	plain := strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "ß", "ss").Replace(strings.ToLower(name))
	if s := strings.Trim(notInName.ReplaceAllString(plain, "-"), "-"); s != "" && len(s) <= 24 {
		return s
	}
	return ags
}

// choose picks the services: those named, or those that such a municipality decides.
func (b *beginning) choose(named []string) error {
	var all []string
	for _, o := range b.offers {
		all = append(all, o.Route.Service)
		ofDistrict := slices.ContainsFunc(o.Roles, func(r config.OfferRole) bool { return r.Name == "district" && !r.Optional })
		if len(named) == 0 && ofDistrict == (len(b.ags) == 5) {
			b.chosen = append(b.chosen, o.Route.Service)
		}
	}
	for _, s := range named {
		if !slices.Contains(all, s) {
			return &notFoundError{fmt.Errorf("%s is no service of this hub; there are: %s", s, strings.Join(all, ", "))}
		}
		b.chosen = append(b.chosen, s)
	}
	return nil
}

func (b *beginning) path(file string) string { return filepath.Join(b.dir, filepath.FromSlash(file)) }

// put writes a file that is not there, and says whether it did.
func (b *beginning) put(file string, content []byte) (bool, error) {
	name := b.path(file)
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return false, fmt.Errorf("make the folder: %w", err)
	}
	err := createSecret(name, content)
	if errors.Is(err, fs.ErrExist) {
		b.kept = append(b.kept, file)
		return false, nil
	}
	if err != nil {
		return false, err
	}
	b.written = append(b.written, file)
	return true, nil
}

// write lays out everything. The municipality's own file comes last: without it a
// folder is not begun, and the command can be repeated.
func (b *beginning) write() error {
	if _, err := os.Stat(b.path("secrets/keyring")); errors.Is(err, fs.ErrNotExist) {
		ring, err := vault.Generate()
		if err != nil {
			return err
		}
		if _, err := b.put("secrets/keyring", ring); err != nil {
			return err
		}
	}
	for _, step := range []func() error{b.hub, b.clients, b.systems, b.ordinances, b.municipality} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (b *beginning) hub() error {
	if _, err := b.render("stellwerk.yaml", "stellwerk.yaml", nil); err != nil {
		return err
	}
	_, err := b.put(".gitignore", []byte("/secrets/\n/data/\n"))
	return err
}

// clients are the portal, the counter and, in a new folder, an operator. A key is
// made only where its file is not there.
func (b *beginning) clients() error {
	for _, c := range []struct {
		name, title string
		counter     bool
	}{{"portal-" + b.slug, "Bürgerportal " + b.name, false}, {"theke-" + b.slug, "Bürgertheke " + b.name, true}} {
		key, hash := config.NewPortalKey(c.name)
		ok, err := b.render("portals/"+c.name+".yaml", "portal.yaml", map[string]any{"Name": c.name, "Title": yamlText(c.title), "Counter": c.counter, "AGS": b.ags, "Hash": hash})
		if err != nil {
			return err
		}
		if ok {
			if _, err := b.put("secrets/"+c.name+".key", []byte(key+"\n")); err != nil {
				return err
			}
		}
	}
	if entries, err := os.ReadDir(b.path("operators")); err == nil && len(entries) > 0 {
		return nil
	}
	const operator = "leitstelle"
	key, hash := config.NewOperatorKey(operator)
	ok, err := b.render("operators/"+operator+".yaml", "operator.yaml", map[string]any{"Name": operator, "Hash": hash})
	if err == nil && ok {
		_, err = b.put("secrets/"+operator+".key", []byte(key+"\n"))
	}
	return err
}
