package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"stellwerk/internal/config"
	"stellwerk/internal/store/sqlite"
	"stellwerk/internal/vault"
	"stellwerk/testdata"
)

// The sample folder's names that demo and load speak of.
const (
	samplePortal       = "buergerportal"
	sampleCounter      = "buergertheke"
	sampleOperator     = "leitstelle"
	sampleMunicipality = "05999040"
	sampleService      = "hundeanmeldung"
)

// sampleFolder is a copy of the sample operator's folder with keys of its own.
type sampleFolder struct {
	dir                    string
	portalKey, operatorKey string
}

// operatorKeyFile is where the operator's key lies, for --key.
func (f *sampleFolder) operatorKeyFile() string {
	return filepath.Join(f.dir, "secrets", sampleOperator+".key")
}

func (f *sampleFolder) portalKeyFile() string {
	return filepath.Join(f.dir, "secrets", samplePortal+".key")
}

func (f *sampleFolder) counterKeyFile() string {
	return filepath.Join(f.dir, "secrets", sampleCounter+".key")
}

// data names something in the folder of what a run leaves behind.
func (f *sampleFolder) data(name string) string { return filepath.Join(f.dir, "data", name) }

// occupySample keeps a second process out of the folder until it is closed: nobody
// rewrites the addresses of partners that a running hub delivers to.
func occupySample(dir string) (io.Closer, error) {
	if err := notOurs(dir); err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder: %w", err)
	}
	lock, err := sqlite.Lock(data, "sample.lock")
	if err != nil {
		return nil, err
	}
	// A serve may be at work there, too.
	hub, err := sqlite.Lock(data, sqlite.LockFile)
	if err == nil {
		err = hub.Close()
	}
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}

// notOurs is the refusal of an operator's folder that was not made here. One whose
// making was interrupted is ours.
func notOurs(dir string) error {
	there := func(name string) bool {
		_, err := os.Stat(filepath.Join(dir, filepath.FromSlash(name)))
		return err == nil
	}
	if there("stellwerk.yaml") && !there("secrets/"+samplePortal+".key") && !there("data/"+sampleBegun) {
		return wrongUsage("%s is an operator's folder that demo has not made; name an empty one", dir)
	}
	return nil
}

// sampleBegun stands in the data folder while the sample is laid out.
const sampleBegun = "sample.begun"

// prepareSample makes the folder, or takes up the one an earlier run left there:
// its keys and its journal stay.
func prepareSample(dir string) (*sampleFolder, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("find the folder: %w", err)
	}
	f := &sampleFolder{dir: abs}
	portal, err := os.ReadFile(f.portalKeyFile())
	if errors.Is(err, fs.ErrNotExist) {
		return f, f.create()
	}
	if err != nil {
		return nil, fmt.Errorf("read the portal's key: %w", err)
	}
	operator, err := os.ReadFile(f.operatorKeyFile())
	if err != nil {
		return nil, fmt.Errorf("read the operator's key: %w", err)
	}
	f.portalKey, f.operatorKey = strings.TrimSpace(string(portal)), strings.TrimSpace(string(operator))
	return f, nil
}

// create copies the folder and makes its keys; the portal's key file comes last:
// without it the sample is not whole, and is laid out anew.
func (f *sampleFolder) create() error {
	if err := notOurs(f.dir); err != nil {
		return err
	}
	if err := os.MkdirAll(f.data(""), 0o700); err != nil {
		return fmt.Errorf("make the folder: %w", err)
	}
	if err := os.WriteFile(f.data(sampleBegun), nil, 0o600); err != nil {
		return fmt.Errorf("write the sample folder: %w", err)
	}
	sample, err := fs.Sub(testdata.Musterstadt, "musterstadt")
	if err != nil {
		return fmt.Errorf("open the sample folder: %w", err)
	}
	err = fs.WalkDir(sample, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join(f.dir, filepath.FromSlash(name))
		if d.IsDir() {
			return os.MkdirAll(to, 0o700)
		}
		content, err := fs.ReadFile(sample, name)
		if err != nil {
			return err
		}
		return os.WriteFile(to, content, 0o600)
	})
	if err != nil {
		return fmt.Errorf("copy the sample folder: %w", err)
	}
	ring, err := vault.Generate()
	if err != nil {
		return err
	}
	if err := replaceSecret(filepath.Join(f.dir, "secrets", "keyring"), ring); err != nil {
		return err
	}
	var portalHash, operatorHash string
	f.portalKey, portalHash = config.NewPortalKey(samplePortal)
	f.operatorKey, operatorHash = config.NewOperatorKey(sampleOperator)
	// The counter's published key must not open the copy.
	counterKey, counterHash := config.NewPortalKey(sampleCounter)
	for file, hash := range map[string]string{
		"portals/" + samplePortal + ".yaml":     portalHash,
		"portals/" + sampleCounter + ".yaml":    counterHash,
		"operators/" + sampleOperator + ".yaml": operatorHash,
	} {
		if err := f.rewrite(file, hashSetting, "sha256: "+hash); err != nil {
			return err
		}
	}
	if err := replaceSecret(f.operatorKeyFile(), []byte(f.operatorKey+"\n")); err != nil {
		return err
	}
	if err := replaceSecret(f.counterKeyFile(), []byte(counterKey+"\n")); err != nil {
		return err
	}
	if err := replaceSecret(f.portalKeyFile(), []byte(f.portalKey+"\n")); err != nil {
		return err
	}
	return os.Remove(f.data(sampleBegun))
}

var (
	hashSetting    = regexp.MustCompile(`sha256: [0-9a-f]{64}`)
	addressSetting = regexp.MustCompile(`(?m)^address: .*$`)
	profileSetting = regexp.MustCompile(`(?m)^profile: (\S+)$`)

	credentialsSetting = regexp.MustCompile(`(?m)^credentials:`)
)

// has reports whether a file of the folder has a setting.
func (f *sampleFolder) has(file string, pattern *regexp.Regexp) bool {
	content, err := os.ReadFile(filepath.Join(f.dir, filepath.FromSlash(file)))
	return err == nil && pattern.Match(content)
}

// rewrite replaces settings in a file of the folder; comments and order stay.
func (f *sampleFolder) rewrite(file string, pattern *regexp.Regexp, with string) error {
	name := filepath.Join(f.dir, filepath.FromSlash(file))
	content, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("read the sample folder: %w", err)
	}
	if !pattern.Match(content) {
		return fmt.Errorf("the sample folder's %s lacks what %s stands for", file, pattern)
	}
	if err := os.WriteFile(name, pattern.ReplaceAllLiteral(content, []byte(with)), 0o600); err != nil {
		return fmt.Errorf("write the sample folder: %w", err)
	}
	return nil
}

// systems calls fn for every system's file with its profile.
func (f *sampleFolder) systems(fn func(file, profile string) error) error {
	entries, err := os.ReadDir(filepath.Join(f.dir, "systems"))
	if err != nil {
		return fmt.Errorf("read the sample folder: %w", err)
	}
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(f.dir, "systems", e.Name()))
		if err != nil {
			return fmt.Errorf("read the sample folder: %w", err)
		}
		profile := ""
		if m := profileSetting.FindSubmatch(content); m != nil {
			profile = string(m[1])
		}
		if err := fn("systems/"+e.Name(), profile); err != nil {
			return err
		}
	}
	return nil
}

// attachment is a small PDF, the proof of expertise that the example names.
func attachment() []byte {
	text := "BT /F1 16 Tf 72 760 Td (Sachkundenachweis) Tj ET"
	objects := []string{
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
		fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", len(text), text),
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
	}
	var b strings.Builder
	b.WriteString("%PDF-1.4\n")
	at := make([]int, len(objects))
	for i, o := range objects {
		at[i] = b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, n := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", n)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, start)
	return []byte(b.String())
}
