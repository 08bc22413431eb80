package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"stellwerk/connectors"
	"stellwerk/internal/config"
	"stellwerk/internal/vault"
)

// keys makes credentials and keyrings.
func (p *Program) keys() *cobra.Command {
	cmd := &cobra.Command{Use: "keys", Short: "Make keys for portals and operators, and the keyring", Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(
		p.newKey("portal", "portals", config.NewPortalKey),
		p.newKey("operator", "operators", config.NewOperatorKey),
		p.signing(),
		p.keyring(),
		&cobra.Command{
			Use: "rewrap", Short: "Wrap every submission's key anew with the keyring's first key",
			Long: `Wrap every submission's key anew with the keyring's first key. Run it after
keyring rotate and a restart of the hub; then the older keys may leave the keyring.
Where records are damaged it goes on with the others, says how many it could not
read, and ends with 3: until they are mended or closed the older keys must stay.`,
			Args: usage(cobra.NoArgs),
			RunE: func(cmd *cobra.Command, _ []string) error {
				c, err := p.client()
				if err != nil {
					return err
				}
				r, err := c.Rewrap(cmd.Context())
				if err != nil {
					return err
				}
				if p.json {
					if err := p.emit(r); err != nil {
						return err
					}
				} else {
					p.say("%d keys wrapped anew", r.Changed)
				}
				if r.Unread == 0 {
					return nil
				}
				if !p.json {
					p.say("%s cannot be read: keep the older keys in the keyring until they are mended or closed (stellwerk list --state damaged)", plural(r.Unread, "record", "records"))
				}
				return errFindings
			},
		},
	)
	return cmd
}

var keyName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,48}[a-z0-9])?$`)

// newKey makes a credential: the text is shown once, its hash goes into a file.
func (p *Program) newKey(kind, folder string, make func(string) (text, hash string)) *cobra.Command {
	return &cobra.Command{
		Use: kind + " NAME", Short: "Make a key for " + article(kind), Args: usage(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			if !keyName.MatchString(args[0]) {
				return wrongUsage("%q is no name: small letters, digits and hyphens", args[0])
			}
			text, hash := make(args[0])
			if p.json {
				return p.emit(struct {
					Key    string `json:"key"`
					SHA256 string `json:"sha256"`
				}{text, hash})
			}
			p.say("%s", text)
			p.say("")
			p.say("This is the key; it is shown this once. In %s/%s.yaml stands its hash:", folder, args[0])
			p.say("")
			p.say("keys:")
			p.say("  - sha256: %s", hash)
			return nil
		},
	}
}

func article(kind string) string {
	if kind == "operator" {
		return "an operator"
	}
	return "a " + kind
}

// signing makes a pair of keys: the hub signs with one half, whoever it calls checks
// with the other.
func (p *Program) signing() *cobra.Command {
	return &cobra.Command{
		Use: "signing FILE", Short: "Make a key that signs callbacks; FILE must not be there yet",
		Long: `Make a pair of keys for signatures: callbacks to portals, or what is handed on to
another hub. The private half goes into FILE, the public one is for whoever checks.
To exchange a key, put the new one in front of the old one in the system's file,
hand out its public half, and take the old one out when everybody has it.`,
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			private, public, err := connectors.NewKey()
			if err != nil {
				return fmt.Errorf("make a key: %w", err)
			}
			if err := createSecret(args[0], []byte(private+"\n")); err != nil {
				return err
			}
			if p.json {
				return p.emit(struct {
					File   string `json:"file"`
					Public string `json:"public"`
				}{args[0], public})
			}
			ref := fromFolder(args[0])
			p.say("%s is written; in the system's file stands keys: [\"file:%s\"] (kind webhook) or key: file:%s (kind hub)", args[0], ref, ref)
			p.say("The other side checks with its public half:")
			p.say("")
			p.say("%s", public)
			return nil
		},
	}
}

// fromFolder is a file as the operator's folder names it: references begin there, not
// where the command was given.
func fromFolder(file string) string {
	if at := strings.LastIndex(file, "secrets"+string(filepath.Separator)); at >= 0 && !filepath.IsAbs(file) {
		return filepath.ToSlash(file[at:])
	}
	return file
}

func (p *Program) keyring() *cobra.Command {
	cmd := &cobra.Command{Use: "keyring", Short: "Make or rotate the keyring that seals every submission", Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(
		&cobra.Command{
			Use: "new FILE", Short: "Make a keyring; FILE must not be there yet", Args: usage(cobra.ExactArgs(1)),
			RunE: func(_ *cobra.Command, args []string) error {
				ring, err := vault.Generate()
				if err != nil {
					return err
				}
				if err := createSecret(args[0], ring); err != nil {
					return err
				}
				return p.keyringDone(args[0], "keep a copy elsewhere: without it nothing of the journal can be read")
			},
		},
		&cobra.Command{
			Use: "rotate FILE", Short: "Put a new key in front of a keyring", Args: usage(cobra.ExactArgs(1)),
			RunE: func(_ *cobra.Command, args []string) error {
				old, err := os.ReadFile(args[0])
				if err != nil {
					return &usageError{err}
				}
				ring, err := vault.Rotate(old)
				if err != nil {
					return err
				}
				if err := replaceSecret(args[0], ring); err != nil {
					return err
				}
				return p.keyringDone(args[0], "restart the hub, then: stellwerk keys rewrap")
			},
		},
	)
	return cmd
}

func (p *Program) keyringDone(file, next string) error {
	if p.json {
		return p.emit(struct {
			File string `json:"file"`
			Next string `json:"next-step"`
		}{file, next})
	}
	p.say("%s is written; %s", file, next)
	return nil
}

// createSecret writes a file for its owner only, and never over another one.
func createSecret(file string, content []byte) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write a secret: %w", err)
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Sync(), f.Close())
}

// replaceSecret changes a file in one step: a crash leaves the old one or the new
// one, never half of it. Who could read it before can read it then.
func replaceSecret(file string, content []byte) error {
	if real, err := filepath.EvalSymlinks(file); err == nil {
		file = real
	}
	next := filepath.Join(filepath.Dir(file), "."+filepath.Base(file)+".new")
	if err := os.Remove(next); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("write a secret: %w", err)
	}
	if err := createSecret(next, content); err != nil {
		return err
	}
	if before, err := os.Stat(file); err == nil {
		if err := asBefore(next, before); err != nil {
			return fmt.Errorf("write a secret: %w", err)
		}
	}
	if err := os.Rename(next, file); err != nil {
		return fmt.Errorf("write a secret: %w", err)
	}
	return nil
}
