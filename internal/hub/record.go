package hub

import "strconv"

// The names of a submission's sealed records. A name is bound into its record,
// so that one can not be put in another's place.
const (
	RecordMeta    = "meta"
	RecordPayload = "payload"
	RecordBundle  = "bundle" // the BundleAnswers of a bundle
)

// RecordHead names the sealed name and content type of a delivery's document.
func RecordHead(delivery ID) string { return "head:" + strconv.Itoa(delivery.Ordinal()) }

// RecordBody names the sealed document of a delivery.
func RecordBody(delivery ID) string { return "body:" + strconv.Itoa(delivery.Ordinal()) }

// RecordAnswer names what a delivery's system answered.
func RecordAnswer(delivery ID) string { return "answer:" + strconv.Itoa(delivery.Ordinal()) }

// RecordToken names the token by which an awaiting delivery is asked again.
func RecordToken(delivery ID) string { return "token:" + strconv.Itoa(delivery.Ordinal()) }

// RecordDetail names the detail of a delivery's attempt; attempt 0 is the mapping.
func RecordDetail(delivery ID, attempt int) string {
	return "detail:" + strconv.Itoa(delivery.Ordinal()) + ":" + strconv.Itoa(attempt)
}

// RecordAttachment names the content of the n-th attachment.
func RecordAttachment(n int) string { return "attachment:" + strconv.Itoa(n) }

// RecordAttachmentInfo names the sealed Attachment of the n-th attachment.
func RecordAttachmentInfo(n int) string { return "attachment-info:" + strconv.Itoa(n) }

// DocumentHead is what is kept sealed beside a rendered document.
type DocumentHead struct {
	Name        string `json:"name"` // fit for a file name
	ContentType string `json:"content-type"`
}
