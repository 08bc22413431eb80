package cli

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"stellwerk/connectors/all"
)

// version is what the build knows of itself.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	rev, dirty := "", ""
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			rev = s.Value[:min(12, len(s.Value))]
		case "vcs.modified":
			if s.Value == "true" {
				dirty = "+"
			}
		}
	}
	if rev == "" {
		return "devel"
	}
	return "devel-" + rev + dirty
}

// versionCommand says what this build is and which kinds of systems it can speak to.
func (p *Program) versionCommand() *cobra.Command {
	var remote bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Say what this build is and which kinds of systems it speaks to",
		Args:  usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if remote {
				c, err := p.client()
				if err != nil {
					return err
				}
				v, err := c.Version(cmd.Context())
				if err != nil {
					return err
				}
				if p.json {
					return p.emit(v)
				}
				p.say("stellwerk %s, configuration %s, node %s, portals at %s", v.Version, v.Revision, v.Node, v.Portals)
				return nil
			}
			kinds := all.Kinds()
			if p.json {
				out := struct {
					Version string            `json:"version"`
					Go      string            `json:"go"`
					Kinds   map[string]string `json:"kinds"`
				}{p.Version, runtime.Version(), map[string]string{}}
				for _, k := range kinds {
					out.Kinds[k.Name] = k.Summary
				}
				return p.emit(out)
			}
			p.say("stellwerk %s (%s, %s/%s)", p.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			for _, k := range kinds {
				p.say("  %-16s %s", k.Name, k.Summary)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&remote, "remote", false, "ask the running hub instead")
	return cmd
}
