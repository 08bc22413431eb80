package intake

import "encoding/hex"

// Validation is the answer to content that would be accepted.
type Validation struct {
	Valid       bool   `json:"valid"` // always true: what is not valid is a problem
	Service     string `json:"service"`
	Format      string `json:"format"`
	Version     string `json:"version"` // of the schema it was held against
	SHA256      string `json:"sha256"`
	Attachments int    `json:"attachments"`
}

// validate says what a submission would get, and stores nothing: 200, or the very
// problem the submission would be refused with.
func (a *API) validate(c *call) *refusal {
	in := &received{}
	defer in.release()
	if p := a.receive(c, in, nil); p != nil {
		return p
	}
	c.outcome = outcomeValidated
	return a.json(c, Validation{
		Valid: true, Service: in.service, Format: in.format, Version: in.input.Version,
		SHA256: hex.EncodeToString(in.sum[:]), Attachments: in.files,
	})
}
