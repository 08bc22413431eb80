package intake

import (
	"net/http"

	"stellwerk/internal/hub"
)

// Code is a problem's stable word: portals decide by it.
type Code string

// The problems this API answers with.
const (
	CodeUnauthenticated Code = "unauthenticated"
	CodeOutOfScope      Code = "out-of-scope"
	CodeNotFound        Code = "not-found"
	CodeMethod          Code = "method-not-allowed"
	CodeSubmission      Code = "submission-unknown"
	CodeService         Code = "service-unknown"
	CodeProblem         Code = "problem-unknown"
	CodeWithdrawal      Code = "withdrawal-too-late"
	CodeErased          Code = "submission-erased"
	CodeBundle          Code = "bundle-unknown"
	CodeBundleForm      Code = "bundle-form-unknown"
	CodeBundleClosed    Code = "bundle-closed"

	CodeKeyMissing   Code = "idempotency-key-missing"
	CodeKeyMalformed Code = "idempotency-key-malformed"
	CodeKeyInFlight  Code = "idempotency-key-in-flight"
	CodeKeyReused    Code = "idempotency-key-reused"

	CodeMediaType       Code = "media-type-unsupported"
	CodeContentEncoding Code = "content-encoding-unsupported"
	CodeMultipart       Code = "multipart-malformed"
	CodeMetaMalformed   Code = "metadata-malformed"
	CodeMetaInvalid     Code = "metadata-invalid"
	CodeConsent         Code = "consent-missing"
	CodeNotOffered      Code = "service-not-offered"

	CodeEnvelopeMissing    Code = "envelope-missing"
	CodeEnvelopeNotAllowed Code = "envelope-not-allowed"
	CodeEnvelopeMalformed  Code = "envelope-malformed"
	CodeEnvelopeIssuer     Code = "envelope-issuer-unknown"
	CodeEnvelopeSignature  Code = "envelope-signature-wrong"
	CodeEnvelopeExpired    Code = "envelope-expired"
	CodeEnvelopeSubject    Code = "envelope-of-another-submission"
	CodeEnvelopeAudience   Code = "envelope-for-another-authority"
	CodeCircle             Code = "handed-on-in-a-circle"

	CodeCallback Code = "callback-not-verified"

	CodePayloadMissing   Code = "payload-missing"
	CodePayloadMalformed Code = "payload-malformed"
	CodePayloadComplex   Code = "payload-too-complex"
	CodePayloadEncoding  Code = "payload-encoding-unsupported"
	CodePayloadInvalid   Code = "payload-invalid"

	CodePayloadLarge    Code = "payload-too-large"
	CodeAttachmentLarge Code = "attachment-too-large"
	CodeAttachments     Code = "too-many-attachments"
	CodeRequestLarge    Code = "request-too-large"
	CodeInterrupted     Code = "body-interrupted"
	CodeSlow            Code = "body-too-slow"

	CodePortalBusy  Code = "portal-busy"
	CodeBusy        Code = "busy"
	CodeFull        Code = "store-full"
	CodeUnknown     Code = "outcome-unknown"
	CodeUnavailable Code = "store-unavailable"
	CodeNotReady    Code = "not-ready"
	CodeInternal    Code = "internal"
)

// What a portal does about a problem.
const (
	repeatNever   = "never"    // the request must change first
	repeatSameKey = "same-key" // the same request with the same idempotency key
	repeatLater   = "later"    // nothing was begun: the same request, after Retry-After
)

// entry is one problem of the catalogue. Detail may hold verbs for values of our
// own (limits, names of headers), never for what was submitted.
type entry struct {
	Code   Code
	Status int
	Repeat string
	Who    hub.Party // must act: put the request right, grant something, look at the hub
	Title  text
	Detail text
}

// catalogue is every problem, in the order of the page.
var catalogue = []entry{
	{CodeUnauthenticated, http.StatusUnauthorized, repeatNever, hub.PartyPortal,
		text{"Nicht angemeldet", "Not authenticated"},
		text{"Der Schlüssel des Portals fehlt, ist unbekannt oder abgelaufen. Er gehört in die Kopfzeile „Authorization: Bearer swp_…“.",
			"The portal's key is missing, unknown or has run out. It belongs in the header “Authorization: Bearer swp_…”."}},
	{CodeOutOfScope, http.StatusForbidden, repeatNever, hub.PartyOperator,
		text{"Nicht freigegeben", "Out of scope"},
		text{"Dieses Portal darf diesen Dienst für diese Kommune nicht einreichen. Der Betreiber kann die Freigabe erteilen.",
			"This portal may not submit this service to this municipality. The operator can grant it."}},
	{CodeNotFound, http.StatusNotFound, repeatNever, hub.PartyPortal,
		text{"Nicht gefunden", "Not found"},
		text{"Unter dieser Adresse gibt es nichts. Die Beschreibung der Schnittstelle liegt unter /docs.",
			"There is nothing at this address. The API is described at /docs."}},
	{CodeMethod, http.StatusMethodNotAllowed, repeatNever, hub.PartyPortal,
		text{"Methode nicht erlaubt", "Method not allowed"},
		text{"Diese Adresse kennt die Methode nicht. Die Kopfzeile Allow nennt die erlaubten.",
			"This address does not know the method. The header Allow names those it does."}},
	{CodeSubmission, http.StatusNotFound, repeatNever, hub.PartyPortal,
		text{"Vorgang unbekannt", "Submission unknown"},
		text{"Dieses Portal hat keinen Vorgang mit dieser Kennung oder Nummer eingereicht.",
			"This portal has submitted nothing with this id or number."}},
	{CodeService, http.StatusNotFound, repeatNever, hub.PartyPortal,
		text{"Dienst unbekannt", "Service unknown"},
		text{"Diesen Dienst gibt es für dieses Portal nicht. Die Liste liegt unter /v1/services.",
			"There is no such service for this portal. The list is at /v1/services."}},
	{CodeProblem, http.StatusNotFound, repeatNever, hub.PartyPortal,
		text{"Problem unbekannt", "Problem unknown"},
		text{"Dieses Wort steht nicht im Verzeichnis unter /v1/problems.",
			"This word is not in the catalogue at /v1/problems."}},
	{CodeBundle, http.StatusNotFound, repeatNever, hub.PartyPortal,
		text{"Mappe unbekannt", "Bundle unknown"},
		text{"Dieses Portal hat keine Mappe mit dieser Kennung oder Nummer geöffnet.",
			"This portal has opened no bundle with this id or number."}},
	{CodeBundleForm, http.StatusNotFound, repeatNever, hub.PartyPortal,
		text{"Art der Mappe unbekannt", "Bundle form unknown"},
		text{"Eine solche Mappe gibt es für dieses Portal nicht. Die Liste liegt unter /v1/bundle-forms.",
			"There is no such bundle for this portal. The list is at /v1/bundle-forms."}},
	{CodeBundleClosed, http.StatusConflict, repeatNever, hub.PartyPortal,
		text{"Mappe ist abgeschlossen", "Bundle is closed"},
		text{"Die Mappe ist abgeschlossen; sie nimmt keine Vorgänge und keine Antworten mehr auf.",
			"The bundle is closed; it takes no more submissions and no more answers."}},

	{CodeWithdrawal, http.StatusConflict, repeatNever, hub.PartyCitizen,
		text{"Zu spät für einen Rückzug", "Too late to withdraw"},
		text{"Der Antrag hat alle zuständigen Stellen erreicht oder ist beendet; der Hub kann nichts mehr aufhalten. Der Rückzug ist bei den Stellen zu erklären.",
			"The application has reached every office in charge, or has come to its end; there is nothing left that the hub could stop. The withdrawal is to be declared to the offices."}},
	{CodeErased, http.StatusGone, repeatNever, hub.PartyPortal,
		text{"Vorgang gelöscht", "Submission deleted"},
		text{"Dieser Vorgang war abgeschlossen und wurde gelöscht: Seine Frist ist abgelaufen, oder es wurde angeordnet. Der Hub hat keine Angaben mehr dazu.",
			"This submission had come to its end and was deleted: its time was over, or somebody ordered it. The hub has nothing about it any more."}},

	{CodeKeyMissing, http.StatusBadRequest, repeatNever, hub.PartyPortal,
		text{"Idempotency-Key fehlt", "Idempotency-Key is missing"},
		text{"Jede Einreichung braucht eine Kopfzeile Idempotency-Key, damit eine Wiederholung keinen zweiten Vorgang anlegt. Eine zufällige UUID je Einreichung genügt.",
			"Every submission needs the header Idempotency-Key, so that a repetition makes no second case. A random UUID for each submission will do."}},
	{CodeKeyMalformed, http.StatusBadRequest, repeatNever, hub.PartyPortal,
		text{"Idempotency-Key ist nicht lesbar", "Idempotency-Key is malformed"},
		text{"Die Kopfzeile Idempotency-Key steht genau einmal da und hat 1 bis %d sichtbare ASCII-Zeichen ohne Anführungszeichen und Backslash; darum dürfen Anführungszeichen stehen.",
			"The header Idempotency-Key stands exactly once and has 1 to %d visible ASCII characters without quotes and backslashes; quotes may stand around it."}},
	{CodeKeyInFlight, http.StatusConflict, repeatSameKey, hub.PartyPortal,
		text{"Einreichung läuft noch", "Submission is in flight"},
		text{"Eine Anfrage mit demselben Idempotency-Key wird gerade bearbeitet. Wiederholen Sie sie gleich; die Antwort ist dann die der ersten.",
			"A request with the same Idempotency-Key is being worked on. Repeat it in a moment; you will get the first one's answer."}},
	{CodeKeyReused, http.StatusUnprocessableEntity, repeatNever, hub.PartyPortal,
		text{"Idempotency-Key schon verwendet", "Idempotency-Key was used before"},
		text{"Dieser Idempotency-Key gehört zu einer Einreichung mit anderem Inhalt. Anderer Inhalt braucht einen neuen Schlüssel.",
			"This Idempotency-Key belongs to a submission with other content. Other content needs a new key."}},

	{CodeMediaType, http.StatusUnsupportedMediaType, repeatNever, hub.PartyPortal,
		text{"Medientyp nicht unterstützt", "Media type not supported"},
		text{"Dieser Content-Type wird hier nicht angenommen, wohl aber: %s.",
			"This Content-Type is not taken here; these are: %s."}},
	{CodeContentEncoding, http.StatusUnsupportedMediaType, repeatNever, hub.PartyPortal,
		text{"Content-Encoding nicht unterstützt", "Content-Encoding not supported"},
		text{"Der Inhalt wird ohne Content-Encoding und ohne Content-Transfer-Encoding angenommen, also weder gepackt noch umkodiert.",
			"Content is taken without Content-Encoding and without Content-Transfer-Encoding: neither compressed nor re-coded."}},
	{CodeMultipart, http.StatusBadRequest, repeatNever, hub.PartyPortal,
		text{"Mehrteilige Anfrage ist nicht lesbar", "Multipart request is malformed"},
		text{"multipart/form-data hat zuerst den Teil metadata (JSON), dann den Teil payload und danach beliebig viele Teile attachment; in einem Aufruf mit einer Mappe steht der Teil bundle vor allen. Beanstandet: %s.",
			"multipart/form-data has the part metadata (JSON) first, then the part payload, then any number of parts attachment; in a call with a bundle the part bundle stands before them all. The complaint: %s."}},
	{CodeMetaMalformed, http.StatusBadRequest, repeatNever, hub.PartyPortal,
		text{"Metadaten sind nicht lesbar", "Metadata are malformed"},
		text{"Die Angaben zum Vorgang (der Teil metadata) oder zur Mappe (der Teil bundle oder der Inhalt selbst) sind kein gültiges JSON-Objekt oder größer als %s. Auch consent und answers sind Objekte.",
			"What is said about the submission (the part metadata) or about the bundle (the part bundle, or the body itself) is not a valid JSON object, or larger than %s. consent and answers are objects, too."}},
	{CodeMetaInvalid, http.StatusUnprocessableEntity, repeatNever, hub.PartyPortal,
		text{"Metadaten sind nicht vollständig oder nicht gültig", "Metadata are incomplete or invalid"},
		text{"Die Liste errors nennt jede Angabe, die fehlt oder nicht passt. Gespeichert wurde nichts.",
			"The list errors names everything that is missing or does not fit. Nothing was stored."}},
	{CodeConsent, http.StatusUnprocessableEntity, repeatNever, hub.PartyCitizen,
		text{"Einwilligung fehlt", "Consent is missing"},
		text{"Dieser Dienst speichert und übermittelt personenbezogene Daten und braucht dafür die Einwilligung der antragstellenden Person. Sie fehlt oder ist verneint; deshalb wurde nichts gespeichert.",
			"This service stores and hands on personal data and needs the applicant's consent for it. It is missing or denied; therefore nothing was stored."}},
	{CodeNotOffered, http.StatusUnprocessableEntity, repeatNever, hub.PartyPortal,
		text{"Dienst wird nicht angeboten", "Service is not offered"},
		text{"Diese Kommune bietet diesen Dienst nicht an. Die Liste liegt unter /v1/services.",
			"This municipality does not offer this service. The list is at /v1/services."}},

	{CodeEnvelopeMissing, http.StatusForbidden, repeatLater, hub.PartyOperator,
		text{"Umschlag fehlt", "Envelope is missing"},
		text{"Dieses Portal ist ein anderes Stellwerk. Was es vom Bürgerkonto weiß, sagt es im signierten Umschlag der Kopfzeile Stellwerk-Account; ohne ihn wird nichts angenommen.",
			"This portal is another hub. What it knows of the citizen's account it says in the signed envelope of the header Stellwerk-Account; nothing is taken without it."}},
	{CodeEnvelopeNotAllowed, http.StatusForbidden, repeatNever, hub.PartyPortal,
		text{"Umschlag nicht zugelassen", "Envelope is not allowed"},
		text{"Dieses Portal ist nicht als anderes Stellwerk eingerichtet und schickt deshalb keinen Umschlag. Der Betreiber kann es einrichten.",
			"This portal is not set up as another hub and therefore sends no envelope. The operator can set it up."}},
	{CodeEnvelopeMalformed, http.StatusBadRequest, repeatNever, hub.PartyPortal,
		text{"Umschlag ist nicht lesbar", "Envelope is malformed"},
		text{"Die Kopfzeile Stellwerk-Account steht genau einmal da und ist ein JWS in kompakter Form, mit ed25519 signiert und höchstens 12 KiB lang; seine Angaben haben die Form der Metadaten.",
			"The header Stellwerk-Account stands exactly once and is a JWS in compact form, signed with ed25519, of at most 12 KiB; what it says has the form of the metadata."}},
	{CodeEnvelopeIssuer, http.StatusForbidden, repeatLater, hub.PartyOperator,
		text{"Aussteller unbekannt", "Issuer unknown"},
		text{"Der Umschlag nennt einen anderen Aussteller als den, der für dieses Portal eingetragen ist. Gespeichert wurde nichts.",
			"The envelope names another issuer than the one that is entered for this portal. Nothing was stored."}},
	{CodeEnvelopeSignature, http.StatusForbidden, repeatLater, hub.PartyOperator,
		text{"Signatur passt nicht", "Signature does not fit"},
		text{"Der Umschlag ist mit keinem der Schlüssel signiert, die für dieses Portal eingetragen sind. Gespeichert wurde nichts.",
			"The envelope is signed by none of the keys that are entered for this portal. Nothing was stored."}},
	{CodeEnvelopeExpired, http.StatusForbidden, repeatLater, hub.PartyPortal,
		text{"Umschlag ist abgelaufen", "Envelope has run out"},
		text{"Der Umschlag gilt höchstens eine Viertelstunde und nicht im Voraus. Jeder Versuch braucht einen frischen; gehen die Uhren beider Seiten gleich?",
			"The envelope is good for a quarter of an hour and not in advance. Every attempt needs a fresh one; do both sides' clocks agree?"}},
	{CodeEnvelopeSubject, http.StatusForbidden, repeatNever, hub.PartyPortal,
		text{"Umschlag gehört zu einem anderen Vorgang", "Envelope is about another submission"},
		text{"Der Umschlag ist an einen anderen Idempotency-Key gebunden als den dieser Anfrage. Gespeichert wurde nichts.",
			"The envelope is bound to another Idempotency-Key than this request's. Nothing was stored."}},
	{CodeEnvelopeAudience, http.StatusForbidden, repeatNever, hub.PartyPortal,
		text{"Umschlag ist für eine andere Stelle", "Envelope is for another authority"},
		text{"Der Umschlag ist für eine andere Kommune ausgestellt als die, an die diese Anfrage geht. Gespeichert wurde nichts.",
			"The envelope is made out to another municipality than the one this request goes to. Nothing was stored."}},
	{CodeCircle, http.StatusUnprocessableEntity, repeatNever, hub.PartyOperator,
		text{"Im Kreis weitergereicht", "Handed on in a circle"},
		text{"Dieser Vorgang ist schon durch dieses Stellwerk gegangen oder durch zu viele andere. Eine der beteiligten Stellen reicht weiter, was sie selbst entscheiden müsste; gespeichert wurde nichts.",
			"This submission has gone through this hub before, or through too many others. One of those involved hands on what it would have to decide itself; nothing was stored."}},

	{CodeCallback, http.StatusUnauthorized, repeatLater, hub.PartyOperator,
		text{"Rückruf nicht bestätigt", "Callback is not verified"},
		text{"Für diese Adresse ist kein Schlüssel eingetragen, zu dem Signatur und Zeitstempel (höchstens fünf Minuten alt) dieses Rückrufs passen. Angestoßen wurde nichts.",
			"No key is entered for this address that signature and timestamp (at most five minutes old) of this callback fit. Nothing was set in motion."}},

	{CodePayloadMissing, http.StatusBadRequest, repeatNever, hub.PartyPortal,
		text{"Inhalt fehlt", "Payload is missing"},
		text{"Die Anfrage hat keinen Inhalt.", "The request has no content."}},
	{CodePayloadMalformed, http.StatusBadRequest, repeatNever, hub.PartyPortal,
		text{"Inhalt ist nicht wohlgeformt", "Payload is not well-formed"},
		text{"Der Inhalt ist kein wohlgeformtes XML oder JSON; errors nennt die Stelle. Gespeichert wurde nichts.",
			"The payload is not well-formed XML or JSON; errors names the place. Nothing was stored."}},
	{CodePayloadComplex, http.StatusUnprocessableEntity, repeatNever, hub.PartyPortal,
		text{"Inhalt überschreitet eine Grenze", "Payload is over a limit"},
		text{"Der Inhalt ist tiefer geschachtelt oder hat mehr Bestandteile, als angenommen werden; errors nennt die Stelle. Gespeichert wurde nichts.",
			"The payload is nested more deeply, or has more parts, than is taken; errors names the place. Nothing was stored."}},
	{CodePayloadEncoding, http.StatusUnsupportedMediaType, repeatNever, hub.PartyPortal,
		text{"Zeichenkodierung nicht unterstützt", "Character encoding not supported"},
		text{"Die angegebene Zeichenkodierung wird nicht angenommen. UTF-8 geht immer. Gespeichert wurde nichts.",
			"The declared character encoding is not taken. UTF-8 always is. Nothing was stored."}},
	{CodePayloadInvalid, http.StatusUnprocessableEntity, repeatNever, hub.PartyPortal,
		text{"Inhalt entspricht nicht dem Schema", "Payload does not fit the schema"},
		text{"Der Inhalt verletzt das Schema des Dienstes; errors nennt jede Stelle. Gespeichert wurde nichts.",
			"The payload violates the service's schema; errors names every place. Nothing was stored."}},

	{CodePayloadLarge, http.StatusRequestEntityTooLarge, repeatNever, hub.PartyPortal,
		text{"Inhalt ist zu groß", "Payload is too large"},
		text{"Der Inhalt darf höchstens %s groß sein; Dateien gehören in Anlagen.",
			"The payload may have at most %s; files belong in attachments."}},
	{CodeAttachmentLarge, http.StatusRequestEntityTooLarge, repeatNever, hub.PartyPortal,
		text{"Anlage ist zu groß", "Attachment is too large"},
		text{"Eine Anlage darf höchstens %s groß sein.", "An attachment may have at most %s."}},
	{CodeAttachments, http.StatusRequestEntityTooLarge, repeatNever, hub.PartyPortal,
		text{"Zu viele Anlagen", "Too many attachments"},
		text{"Ein Vorgang darf höchstens %d Anlagen haben.", "A submission may have at most %d attachments."}},
	{CodeRequestLarge, http.StatusRequestEntityTooLarge, repeatNever, hub.PartyPortal,
		text{"Anfrage ist zu groß", "Request is too large"},
		text{"Eine Anfrage darf mit allen Anlagen höchstens %s groß sein.",
			"A request may have at most %s with all its attachments."}},
	{CodeInterrupted, http.StatusBadRequest, repeatSameKey, hub.PartyPortal,
		text{"Übertragung ist abgebrochen", "Transfer was cut short"},
		text{"Die Anfrage kam nicht vollständig an. Bestätigt ist nichts; wiederholen Sie sie mit demselben Idempotency-Key.",
			"The request did not arrive complete. Nothing is acknowledged; repeat it with the same Idempotency-Key."}},
	{CodeSlow, http.StatusRequestTimeout, repeatSameKey, hub.PartyPortal,
		text{"Übertragung ist zu langsam", "Transfer is too slow"},
		text{"Die Anfrage kam nicht in der vorgesehenen Zeit an. Bestätigt ist nichts; wiederholen Sie sie mit demselben Idempotency-Key.",
			"The request did not arrive in time. Nothing is acknowledged; repeat it with the same Idempotency-Key."}},

	{CodePortalBusy, http.StatusTooManyRequests, repeatLater, hub.PartyPortal,
		text{"Zu viele gleichzeitige Anfragen", "Too many requests at once"},
		text{"Dieses Portal hat gerade zu viele Anfragen gleichzeitig offen. Retry-After sagt, wann es wieder geht.",
			"This portal has too many requests open at once. Retry-After says when to come back."}},
	{CodeBusy, http.StatusServiceUnavailable, repeatLater, hub.PartyPortal,
		text{"Ausgelastet", "Busy"},
		text{"Gerade sind zu viele Anfragen offen. Retry-After sagt, wann es wieder geht.",
			"Too many requests are open at the moment. Retry-After says when to come back."}},
	{CodeFull, http.StatusServiceUnavailable, repeatSameKey, hub.PartyOperator,
		text{"Kein Speicherplatz", "No space left"},
		text{"Zurzeit kann nichts angenommen werden. Bestätigt ist nichts; wiederholen Sie die Anfrage später mit demselben Idempotency-Key.",
			"Nothing can be taken at the moment. Nothing is acknowledged; repeat the request later with the same Idempotency-Key."}},
	{CodeUnknown, http.StatusServiceUnavailable, repeatSameKey, hub.PartyPortal,
		text{"Ausgang ungewiss", "Outcome unknown"},
		text{"Ob der Vorgang gespeichert ist, steht nicht fest. Wiederholen Sie die Anfrage unverändert mit demselben Idempotency-Key: Es entsteht kein zweiter Vorgang.",
			"Whether the submission is stored is not certain. Repeat the request unchanged with the same Idempotency-Key: it makes no second case."}},
	{CodeUnavailable, http.StatusServiceUnavailable, repeatSameKey, hub.PartyOperator,
		text{"Speicher nicht erreichbar", "Store unavailable"},
		text{"Der Speicher antwortet gerade nicht. Wiederholen Sie die Anfrage später mit demselben Idempotency-Key.",
			"The store does not answer at the moment. Repeat the request later with the same Idempotency-Key."}},
	{CodeNotReady, http.StatusServiceUnavailable, repeatLater, hub.PartyOperator,
		text{"Nicht bereit", "Not ready"},
		text{"Der Dienst nimmt gerade keine Anfragen an.", "The service takes no requests at the moment."}},
	{CodeInternal, http.StatusInternalServerError, repeatSameKey, hub.PartyOperator,
		text{"Interner Fehler", "Internal error"},
		text{"Hier ist etwas schiefgegangen. Wiederholen Sie die Anfrage mit demselben Idempotency-Key; bleibt es dabei, nennen Sie dem Betreiber die Kennung aus instance.",
			"Something went wrong here. Repeat the request with the same Idempotency-Key; if it persists, give the operator the id in instance."}},
}

// find gives a code's entry; ok is false for a word that is none.
func find(code Code) (*entry, bool) {
	for i := range catalogue {
		if catalogue[i].Code == code {
			return &catalogue[i], true
		}
	}
	return nil, false
}
