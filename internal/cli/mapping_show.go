package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"stellwerk/mappings"
)

// mappingShow prints a mapping as it is written: to read it, or to begin an own one
// with it. It needs no folder that is in order; who begins has none yet.
func (p *Program) mappingShow() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show MAPPING",
		Short: "Print a mapping, the folder's own or the shipped one",
		Long: `Print a mapping, the folder's own or the shipped one, to read it or to begin an own
one with it:

  mkdir -p mappings/hundeanmeldung
  stellwerk mapping show hundeanmeldung/finance > mappings/hundeanmeldung/kassenliste.yaml

A system takes it with document: kassenliste; under the shipped name it replaces the
shipped one. The examples that its tests name are found without copying them.`,
		Args: usage(cobra.ExactArgs(1)),
	}
	dir := p.folder(cmd)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		file := strings.TrimPrefix(path.Clean(args[0]), "mappings/")
		if path.Ext(file) != ".yaml" {
			file += ".yaml"
		}
		for _, from := range []fs.FS{os.DirFS(filepath.Join(*dir, "mappings")), mappings.FS} {
			text, err := fs.ReadFile(from, file)
			if err == nil {
				_, err = p.Out.Write(text)
				return err
			}
			if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrInvalid) {
				return fmt.Errorf("read mapping %s: %w", file, err)
			}
		}
		all, err := fs.Glob(mappings.FS, path.Dir(file)+"/*.yaml")
		if err != nil || len(all) == 0 {
			if all, err = fs.Glob(mappings.FS, "*/*.yaml"); err != nil {
				return fmt.Errorf("list the mappings: %w", err)
			}
			all = slices.DeleteFunc(all, func(f string) bool {
				return slices.Contains([]string{"codelists", "ordinances", "layouts"}, path.Dir(f))
			})
		}
		return &notFoundError{fmt.Errorf("%s is not a mapping; there are: %s", args[0], strings.Join(all, ", "))}
	}
	return cmd
}
