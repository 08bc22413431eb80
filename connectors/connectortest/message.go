package connectortest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v4"

	"stellwerk/connectors"
)

// Settings reads YAML texts as settings: the later ones lie over the earlier
// ones, key by key at the top level, as a system file lies over its profile.
func Settings(texts ...string) connectors.Settings { return overlay(texts) }

type overlay []string

// Decode is strict: an unknown key is an error.
func (o overlay) Decode(into any) error {
	all := map[string]yaml.Node{}
	for _, text := range o {
		var one map[string]yaml.Node
		if err := yaml.Unmarshal([]byte(text), &one); err != nil {
			return err
		}
		for k, v := range one {
			all[k] = v
		}
	}
	b, err := yaml.Marshal(all)
	if err != nil {
		return err
	}
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// Message is the n-th sample message, a small JSON document.
func Message(n int) *connectors.Message {
	id := fmt.Sprintf("0197f3a2-6c00-7000-8000-%012x", n)
	return &connectors.Message{
		ID:           id,
		Submission:   id[:35] + "0",
		Number:       fmt.Sprintf("7K2M-%04d", n),
		Attempt:      1,
		Municipality: "05974040",
		Service:      "hundeanmeldung",
		Role:         "records",
		Name:         fmt.Sprintf("anmeldung-%04d.json", n),
		ContentType:  "application/json",
		Body:         fmt.Appendf(nil, `{"vorgang":"%04d","hund":{"rasse":"Labrador","chip":"276097200000001"},"shortname":"Hundeanmeldung %04d"}`, n, n),
		Trace:        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
	}
}

// Attach adds a sound attachment.
func Attach(m *connectors.Message, name, contentType string, content []byte) {
	sum := sha256.Sum256(content)
	m.Attachments = append(m.Attachments, connectors.Attachment{
		Name: name, ContentType: contentType, Size: int64(len(content)), SHA256: hex.EncodeToString(sum[:]),
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil },
	})
}

// ErrDamaged is what reading a damaged attachment ends with.
var ErrDamaged = errors.New("stored content is damaged")

// AttachDamaged adds an attachment of the given size whose reading breaks half way.
func AttachDamaged(m *connectors.Message, size int64) {
	m.Attachments = append(m.Attachments, connectors.Attachment{
		Name: "schaden.pdf", ContentType: "application/pdf", Size: size, SHA256: strings.Repeat("0", 64),
		Open: func() (io.ReadCloser, error) {
			half := io.LimitReader(zeros{}, size/2)
			return io.NopCloser(io.MultiReader(half, broken{})), nil
		},
	})
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, ErrDamaged }
