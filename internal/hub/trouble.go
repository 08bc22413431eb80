package hub

import "strings"

// Trouble is one entry of the catalogue of what can befall a case on its way: a code
// that a delivery or a submission has, what it means, and who must act.
type Trouble struct {
	Code  string // the word, or that of a family: http-4xx
	Who   Party
	Title Text
	Means Text // and what is to be done
}

// AnyOther is the entry for the words that systems have of their own.
const AnyOther = "other"

// TroubleOf finds the entry of a code: its own, its family's, that of the step's code
// where a step's name stands before it, and the one for the systems' own words at last.
func TroubleOf(code string) Trouble {
	for rest := code; ; {
		for i := range Troubles {
			if t := &Troubles[i]; t.Code == rest || inFamily(t.Code, rest) {
				return *t
			}
		}
		_, after, more := strings.Cut(rest, "-")
		if !more {
			return TroubleOf(AnyOther)
		}
		rest = after
	}
}

// inFamily reports whether a code belongs to a family: http-422 to http-4xx, and what
// begins with it to a word that ends in a star.
func inFamily(family, code string) bool {
	if stem, ok := strings.CutSuffix(family, "*"); ok {
		return strings.HasPrefix(code, stem) && len(code) > len(stem)
	}
	stem, ok := strings.CutSuffix(family, "xx")
	rest, begins := strings.CutPrefix(code, stem)
	return ok && begins && len(rest) == 2 && isDigit(rest[0]) && isDigit(rest[1])
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

// Troubles is the catalogue, in the order in which it is shown.
var Troubles = []Trouble{
	// Why something waits for a person: the reasons to park.
	{string(ParkRefused), PartyClerk, Text{"Abgelehnt", "Refused"},
		Text{"Das System hat das Dokument abgelehnt, oder schon eine Prüfung der Zuordnung einen Wert darin; eine Wiederholung hilft nicht. Die Beanstandung beheben und neu abbilden, oder mit Begründung schließen.",
			"The system has said no to the document, or a check of the mapping to a value before it left; repeating does not help. Put right what is complained about and map anew, or close it with a reason."}},
	{string(ParkUnclear), PartyOperator, Text{"Unklar, ob angekommen", "Not known whether it arrived"},
		Text{"Niemand weiß, ob das System das Dokument hat. Dort nach der Vorgangsnummer sehen; danach schließen oder erneut zustellen.",
			"Nobody knows whether the system has the document. Look there for the number; then close it or deliver it again."}},
	{string(ParkExhausted), PartyOperator, Text{"Wiederholungen erschöpft", "Schedule exhausted"},
		Text{"Das System hat das Dokument bis zum Ende des Zeitplans nicht angenommen. Läuft es wieder, erneut zustellen.",
			"The system has not taken the document until the schedule's end. Deliver it again when it works."}},
	{string(ParkUnmapped), PartyOperator, Text{"Nicht abgebildet", "Not mapped"},
		Text{"Zuordnung oder Strecke brauchen eine Entscheidung; was für eine, sagt der Code. Fehlt eine Regel: Zuordnung, Codeliste oder Satzungstabelle ergänzen, prüfen, neu laden, neu abbilden.",
			"The mapping or the route needs a decision; the code says which. Where a rule is lacking: amend mapping, code list or ordinance, check, reload, map anew."}},
	{string(ParkRefund), PartyClerk, Text{"Gebühr zu erstatten", "Fee to be given back"},
		Text{"Die Gebühr ist bezahlt, und der Antrag ist zurückgezogen: Für das Geld geschieht nichts mehr. Erstatten und mit Begründung schließen.",
			"The fee is paid, and the application was taken back: nothing is done for the money any more. Give it back and close this with a reason."}},
	{"damaged", PartyOperator, Text{"Gespeicherter Datensatz beschädigt", "Stored record damaged"},
		Text{"Ein gespeicherter Datensatz hat seine Prüfung nicht bestanden; nichts davon wird gesendet. Aus der Sicherung zurückholen oder neu einreichen lassen.",
			"A stored record has failed its check; nothing of it is sent. Restore it from the backup, or have it submitted again."}},

	// Submissions that could not be planned.
	{"not-offered", PartyOperator, Text{"Dienst nicht mehr angeboten", "Service not offered any more"},
		Text{"Die Kommune bietet den Dienst nicht mehr an.", "The municipality does not offer the service any more."}},
	{"no-consent", PartyPortal, Text{"Einwilligung fehlt", "Consent is missing"},
		Text{"Der Dienst braucht die Einwilligung der antragstellenden Person, und es gibt keine: mit ihr neu einreichen.",
			"The service needs the applicant's consent, and there is none: submit again with it."}},
	{"no-delivery", PartyOperator, Text{"Kein Empfänger", "Nobody to deliver to"},
		Text{"Nach der Strecke geht dieser Vorgang an niemanden.", "By its route this case goes to nobody."}},
	{"payload-unreadable", PartyPortal, Text{"Inhalt nicht lesbar", "Payload unreadable"},
		Text{"Der gespeicherte Inhalt lässt sich nach den heutigen Regeln nicht lesen: neu einreichen.", "The stored payload cannot be read by today's rules: submit again."}},
	{"internal-error", PartyOperator, Text{"Fehler im Hub", "Fault in the hub"},
		Text{"Die Verarbeitung ist abgebrochen; das Protokoll nennt die Stelle.", "Processing broke off; the log names the place."}},
	{"route-*", PartyOperator, Text{"Bedingung der Strecke unentscheidbar", "The route's condition cannot be decided"},
		Text{"Eine Bedingung der Strecke lässt sich für diesen Vorgang nicht entscheiden; hinter route- steht, warum.", "A condition of the route cannot be decided for this case; what follows route- says why."}},

	// What a mapping can hold.
	{"required", PartyClerk, Text{"Pflichtfeld leer", "Required field empty"}, Text{"Ein Pflichtfeld des Zieldokuments blieb leer: Die Angabe fehlt, oder Angaben widersprechen sich, oder sie lassen nur einen Menschen entscheiden; in der Zuordnung steht bei dem Feld, warum. Mit der antragstellenden Person klären und neu einreichen lassen, oder dort von Hand eintragen und hier mit Begründung schließen.",
		"A required field of the target document stayed empty: the value is missing, or values contradict each other, or only a person can decide; the mapping says why beside the field. Ask the applicant and have it submitted again, or enter it there by hand and close it here with a reason."}},
	{"unknown-code", PartyOperator, Text{"Unbekannter Schlüssel", "Unknown code"}, Text{"Ein Wert steht in keiner Codeliste: ergänzen.", "A value is in no code list: add it."}},
	{"ambiguous", PartyOperator, Text{"Mehrdeutig", "Ambiguous"}, Text{"Wo ein Wert erwartet wird, stehen mehrere.", "There are several values where one is wanted."}},
	{"not-a-date", PartyClerk, Text{"Kein Datum", "Not a date"}, Text{"Ein Wert ist kein Datum. Klären und neu einreichen lassen, oder dort von Hand eintragen und hier mit Begründung schließen.", "A value is not a date. Ask and have it submitted again, or enter it there by hand and close it here with a reason."}},
	{"not-a-number", PartyClerk, Text{"Keine Zahl", "Not a number"}, Text{"Ein Wert ist keine Zahl. Klären und neu einreichen lassen, oder dort von Hand eintragen und hier mit Begründung schließen.", "A value is not a number. Ask and have it submitted again, or enter it there by hand and close it here with a reason."}},
	{"character", PartyOperator, Text{"Zeichen nicht darstellbar", "Character not representable"}, Text{"Das Zielformat kennt ein Zeichen nicht; die Zuordnung muss entscheiden.", "The target format lacks a character; the mapping must decide."}},
	{"too-long", PartyOperator, Text{"Zu lang", "Too long"}, Text{"Ein Wert ist länger als sein Feld; die Zuordnung muss entscheiden.", "A value is longer than its field; the mapping must decide."}},
	{"no-rate", PartyOperator, Text{"Kein Satz", "No rate"}, Text{"Die Satzungstabelle hat für diesen Fall und Tag keine Zeile. Gibt es den Satz: eintragen, neu laden, neu abbilden. Gibt es ihn nicht, ist nach der Angabe zu fragen.", "The ordinance has no row for this case and day. If there is such a rate: enter it, reload, map anew. If there is none, ask about the data."}},
	{"number-range", PartyOperator, Text{"Nummernkreis erschöpft", "Number range used up"}, Text{"Es war keine Nummer mehr zu vergeben.", "No number could be assigned."}},
	{"expression", PartyOperator, Text{"Ausdruck fehlgeschlagen", "Expression failed"}, Text{"Ein Ausdruck der Zuordnung ist mit einem Fehler abgebrochen.", "An expression of the mapping stopped with an error."}},
	{"no-records", PartyOperator, Text{"Nichts zu senden", "Nothing to send"}, Text{"Die Zuordnung ergibt keinen Datensatz.", "The mapping makes no record."}},
	{"formula", PartyClerk, Text{"Formel", "Formula"}, Text{"Ein Wert würde in einer Tabelle als Formel ausgeführt. Ansehen; dort von Hand eintragen und hier mit Begründung schließen, oder neu einreichen lassen.", "A spreadsheet would run a value as a formula. Look at it; enter it there by hand and close it here with a reason, or have it submitted again."}},
	{"file-name", PartyOperator, Text{"Dateiname", "File name"}, Text{"Ein Wert taugt nicht für einen Dateinamen.", "A value is not fit for a file name."}},
	{"schema", PartyOperator, Text{"Ergebnis verletzt sein Schema", "Result violates its schema"}, Text{"Das Zieldokument passt nicht zu seinem Schema.", "The target document does not fit its schema."}},
	{"not-well-formed", PartyOperator, Text{"Ergebnis nicht wohlgeformt", "Result not well-formed"}, Text{"Das Zieldokument lässt sich nicht wieder lesen.", "The target document cannot be read again."}},
	{"no-original", PartyOperator, Text{"Original fehlt", "Original is missing"}, Text{"Der Inhalt, wie er kam, liegt nicht vor.", "The payload as it came is not at hand."}},
	{"no-mapping", PartyOperator, Text{"Keine Zuordnung", "No mapping"}, Text{"Die Konfiguration kennt diesen Empfänger nicht mehr.", "The configuration has no delivery to this role any more."}},

	// On the way to a system.
	{"connection-refused", PartyOperator, Text{"Verbindung abgewiesen", "Connection refused"}, Text{"Unter der Adresse hört niemand. Es wird wiederholt.", "Nobody listens at the address. It is tried again."}},
	{"connection-broken", PartyBackend, Text{"Verbindung abgerissen", "Connection broken"}, Text{"Die Verbindung riss ab.", "The connection broke."}},
	{"unreachable", PartyOperator, Text{"Nicht erreichbar", "Unreachable"}, Text{"Kein Weg zum System: Netz, Firewall.", "No way to the system: network, firewall."}},
	{"name-not-found", PartyOperator, Text{"Name unbekannt", "Name not found"}, Text{"Der Rechnername lässt sich nicht auflösen.", "The host's name cannot be resolved."}},
	{"address-not-allowed", PartyOperator, Text{"Adresse nicht erlaubt", "Address not allowed"}, Text{"Die Adresse liegt außerhalb von allow.", "The address is outside of allow."}},
	{"tls", PartyOperator, Text{"Sicherheit der Verbindung", "Security of the connection"}, Text{"Ein Zertifikat ist nicht gültig, nicht bekannt oder fehlt, oder eine der beiden Seiten spricht kein TLS.", "A certificate is not valid, not known or missing, or one of the two sides does not speak TLS."}},
	{"timeout", PartyBackend, Text{"Keine Antwort in der Zeit", "No answer in time"}, Text{"Das System hat nicht rechtzeitig geantwortet. War das Dokument schon gesendet, ist ungewiss, ob es dort ist; kam keine Verbindung zustande, wird wiederholt.", "The system has not answered in time. Where the document was sent already, it is not certain whether it is there; where there was no connection, it is tried again."}},
	{"breaker-open", PartyBackend, Text{"Schutzschalter offen", "Breaker open"}, Text{"Das System war mehrmals gestört; nach einer Pause wird ein Versuch durchgelassen.", "The system failed several times; after a pause one attempt is let through."}},
	{"closed", PartyOperator, Text{"Hub hielt an", "The hub was stopping"}, Text{"Der Hub wurde angehalten oder neu geladen. Es wird wiederholt.", "The hub was stopping or reloading. It is tried again."}},
	{"cancelled", PartyOperator, Text{"Versuch abgebrochen", "Attempt cut off"}, Text{"Der Versuch wurde beim Anhalten abgebrochen.", "The attempt was cut off by a stop."}},
	{"interrupted", PartyOperator, Text{"Versuch unterbrochen", "Attempt interrupted"}, Text{"Der Hub fiel mitten im Versuch aus.", "The hub went down in the middle of the attempt."}},
	{"connector-panic", PartyOperator, Text{"Fehler im Anschluss", "Fault in the connector"}, Text{"Der Anschluss ist abgestürzt; das Protokoll nennt die Stelle.", "The connector crashed; the log names the place."}},
	{"no-key", PartyOperator, Text{"Schlüssel fehlt", "Key is missing"}, Text{"Der Schlüsselbund hat den Schlüssel dieses Vorgangs nicht.", "The keyring lacks the key of this case."}},
	{"unreadable", PartyOperator, Text{"Gerade nicht lesbar", "Not readable now"}, Text{"Etwas Gespeichertes ließ sich gerade nicht lesen. Es wird wiederholt.", "Something stored could not be read just now. It is tried again."}},
	{"attachment-damaged", PartyOperator, Text{"Anlage beschädigt", "Attachment damaged"}, Text{"Eine gespeicherte Anlage hat ihre Prüfung nicht bestanden.", "A stored attachment has failed its check."}},
	{"document-unfit", PartyOperator, Text{"Dokument passt nicht zum Anschluss", "Document unfit for the connector"}, Text{"Das Dokument erfüllt nicht, was das Protokoll verlangt: die Zuordnung ändern.", "The document lacks what the protocol demands: amend the mapping."}},
	{"token-*", PartyOperator, Text{"Zugang", "Access"}, Text{"Das System für Zugangstoken gab keines; hinter token- steht, warum.", "The token service gave none; what follows token- says why."}},

	// What a system answers.
	{"http-401", PartyOperator, Text{"Zugang verweigert", "Access denied"}, Text{"Die Zugangsdaten des Hubs gelten dort nicht. Es wird wiederholt.", "The hub's credentials are not valid there. It is tried again."}},
	{"http-403", PartyOperator, Text{"Zugang verweigert", "Access denied"}, Text{"Dem Hub fehlt dort eine Berechtigung. Es wird wiederholt.", "The hub lacks a right there. It is tried again."}},
	{"http-404", PartyOperator, Text{"Nichts an der Adresse", "Nothing at the address"}, Text{"An der Adresse ist nichts: Das System startet gerade neu, oder die Adresse stimmt nicht; es wird wiederholt. Abgelehnt ist, wovon das System selbst sagt, dass es etwas aus dem Dokument nicht kennt.", "Nothing is at the address: the system is restarting, or the address is wrong; it is tried again. Refused is that of which the system itself says that it does not know something in the document."}},
	{"http-405", PartyOperator, Text{"Nichts an der Adresse", "Nothing at the address"}, Text{"An der Adresse wird so nichts angenommen. Die Adresse prüfen.", "Nothing is taken that way at the address. Check the address."}},
	{"http-407", PartyOperator, Text{"Proxy verweigert", "Refused by the proxy"}, Text{"Der Proxy verlangt eine Anmeldung.", "The proxy wants a login."}},
	{"http-421", PartyOperator, Text{"An der falschen Stelle", "At the wrong place"}, Text{"Wer dort antwortet, kennt den Namen nicht. Adresse und Zertifikat prüfen; es wird wiederholt.", "Whoever answers there does not know the name. Check address and certificate; it is tried again."}},
	{"http-429", PartyBackend, Text{"Ausgelastet", "Busy"}, Text{"Das System bittet zu warten.", "The system asks to wait."}},
	{"http-503", PartyBackend, Text{"Ausgelastet", "Busy"}, Text{"Das System bittet zu warten.", "The system asks to wait."}},
	{"http-1xx", PartyBackend, Text{"Unerwartete Antwort", "Unexpected answer"}, Text{"Was das System damit meint, ist ungewiss.", "What the system means by it is not certain."}},
	{"http-2xx", PartyBackend, Text{"Unerwartete Antwort", "Unexpected answer"}, Text{"Es steht nicht darin, was ein Erfolg enthalten muss.", "It lacks what a success must contain."}},
	{"http-3xx", PartyOperator, Text{"Umleitung", "Redirect"}, Text{"Das System schickt anderswohin; der Hub folgt dem nicht. Die Adresse prüfen.", "The system points elsewhere; the hub does not follow. Check the address."}},
	{"http-4xx", PartyClerk, Text{"Abgelehnt", "Refused"}, Text{"Das System hat die Anfrage abgelehnt.", "The system has refused the request."}},
	{"http-5xx", PartyBackend, Text{"Fehler im System", "Fault in the system"}, Text{"Das System ist gestört; ob es das Dokument hat, ist ungewiss.", "The system has a fault; whether it has the document is not certain."}},
	{"answer-broken", PartyBackend, Text{"Antwort abgerissen", "Answer broken off"}, Text{"Die Antwort kam nicht vollständig.", "The answer did not arrive complete."}},
	{"answer-incomplete", PartyBackend, Text{"Antwort unvollständig", "Answer incomplete"}, Text{"Der Antwort fehlt etwas, das der nächste Schritt braucht.", "The answer lacks what the next step needs."}},
	{"answer-too-large", PartyBackend, Text{"Antwort zu groß", "Answer too large"}, Text{"Die Antwort überschreitet die Grenze.", "The answer is over the limit."}},
	{"answer-unreadable", PartyBackend, Text{"Antwort nicht lesbar", "Answer unreadable"}, Text{"Die Antwort ist nicht, was das Protokoll vorsieht.", "The answer is not what the protocol wants."}},
	{"answer-without-token", PartyBackend, Text{"Antwort ohne Kennung", "Answer without a token"}, Text{"Das System hat angenommen, aber nicht gesagt, wonach zu fragen ist.", "The system has taken it and not said by what to ask."}},
	{"not-found", PartyOperator, Text{"Dort unbekannt", "Unknown there"}, Text{"Das System hat das Dokument nicht; es wird gesendet. War es vorher nur zu langsam, wird es erst noch einmal gefragt.", "The system has not got the document; it is sent. Where it was only too slow before, it is asked once more first."}},
	{"not-askable", PartyOperator, Text{"Nicht zu erfragen", "Cannot be asked"}, Text{"Es fehlt, wonach zu fragen wäre.", "There is nothing to ask by."}},
	{"cannot-ask", PartyOperator, Text{"Nicht zu erfragen", "Cannot be asked"}, Text{"Das System lässt sich nicht fragen.", "The system cannot be asked."}},
	{"gone", PartyPortal, Text{"Rückruf abbestellt", "Callback cancelled"}, Text{"Das Portal hat die Adresse seines Rückrufs zurückgezogen.", "The portal has taken its callback's address back."}},
	{"id-reused", PartyOperator, Text{"Kennung schon vergeben", "Id in use"}, Text{"Das System hat unter dieser Kennung ein anderes Dokument.", "The system has another document under this id."}},
	{"books-closed", PartyBackend, Text{"Bücher geschlossen", "Books closed"}, Text{"Die Kasse bucht gerade nicht. Es wird wiederholt.", "The cash office does not book at the moment. It is tried again."}},
	{"dms-unavailable", PartyBackend, Text{"DMS nicht erreichbar", "DMS unavailable"}, Text{"Das DMS hinter der Schnittstelle antwortet nicht. Es wird wiederholt.", "The DMS behind the interface does not answer. It is tried again."}},
	{"dms-failed", PartyBackend, Text{"Fehler im DMS", "Fault in the DMS"}, Text{"Das DMS hinter der Schnittstelle ist gestört.", "The DMS behind the interface has a fault."}},
	{"dms-refused", PartyClerk, Text{"Vom DMS abgelehnt", "Refused by the DMS"}, Text{"Das DMS nimmt das Dokument so nicht an.", "The DMS does not take the document as it is."}},
	{"request-refused", PartyOperator, Text{"Anfrage abgelehnt", "Request refused"}, Text{"Die Schnittstelle nimmt die Anfrage so nicht an.", "The interface does not take the request as it is."}},
	{"no-details", PartyBackend, Text{"Ablehnung ohne Angaben", "Refusal without details"}, Text{"Das System sagt nicht, was fehlt.", "The system does not say what is wrong."}},

	// Files and mails.
	{"folder-missing", PartyOperator, Text{"Ordner fehlt", "Folder is missing"}, Text{"Den Ablageordner gibt es nicht.", "The drop folder is not there."}},
	{"permission-denied", PartyOperator, Text{"Kein Zugriff", "Permission denied"}, Text{"Der Hub darf in den Ordner nicht schreiben.", "The hub may not write to the folder."}},
	{"no-space", PartyOperator, Text{"Kein Platz", "No space"}, Text{"Der Datenträger ist voll.", "The disk is full."}},
	{"read-only", PartyOperator, Text{"Nur lesbar", "Read-only"}, Text{"Der Datenträger lässt nicht schreiben.", "The disk does not let write."}},
	{"io-error", PartyOperator, Text{"Fehler beim Schreiben", "Error while writing"}, Text{"Der Datenträger meldet einen Fehler.", "The disk reports an error."}},
	{"file-exists", PartyOperator, Text{"Datei ist schon da", "File is there already"}, Text{"Unter dem Namen liegt eine andere Datei.", "There is another file of this name."}},
	{"name-too-long", PartyOperator, Text{"Dateiname zu lang", "File name too long"}, Text{"Der Datenträger nimmt den Namen nicht an.", "The disk does not take the name."}},
	{"same-id-under-way", PartyOperator, Text{"Schon unterwegs", "Under way already"}, Text{"Dieselbe Zustellung wird gerade geschrieben.", "The same delivery is being written."}},
	{"same-file-under-way", PartyOperator, Text{"Datei wird gerade geschrieben", "File under way already"}, Text{"Eine andere Zustellung schreibt gerade eine Datei dieses Namens.", "Another delivery is writing a file of this name."}},
	{"smtp-4xx", PartyBackend, Text{"Mailserver vertröstet", "Put off by the mail server"}, Text{"Der Mailserver bittet, es später zu versuchen.", "The mail server asks to try later."}},
	{"smtp-5xx", PartyClerk, Text{"Mail nicht angenommen", "Mail not taken"}, Text{"Der Mailserver nimmt die Mail nicht an; oft stimmt die Adresse nicht.", "The mail server does not take the mail; often the address is wrong."}},
	{"no-starttls", PartyOperator, Text{"Mailserver ohne TLS", "Mail server without TLS"}, Text{"Der Mailserver bietet keine gesicherte Verbindung.", "The mail server offers no secure connection."}},
	{"login", PartyOperator, Text{"Anmeldung am Mailserver", "Login at the mail server"}, Text{"Der Mailserver nimmt die Zugangsdaten nicht an.", "The mail server does not take the credentials."}},
	{"recipient-malformed", PartyClerk, Text{"Mailadresse ungültig", "Mail address malformed"}, Text{"Die angegebene Adresse ist keine.", "The given address is none."}},
	{"header-injection", PartyClerk, Text{"Steuerzeichen im Kopf", "Control character in the header"}, Text{"Adresse oder Betreff enthalten ein Zeilenende.", "Address or subject hold a line end."}},
	{"mail-too-large", PartyClerk, Text{"Mail zu groß", "Mail too large"}, Text{"Text und Anlagen überschreiten die Grenze.", "Text and attachments are over the limit."}},

	// Payments.
	{CodePaymentOpen, PartyCitizen, Text{"Zahlung offen", "Payment open"}, Text{"Die Gebühr ist noch zu bezahlen; der Link steht im Stand.", "The fee is still to be paid; the link is in the status."}},
	{"payment-url-missing", PartyBackend, Text{"Bezahllink fehlt", "Payment link is missing"}, Text{"Die Bezahlplattform hat keinen brauchbaren Link genannt.", "The payment provider has given no usable link."}},
	{CodePaymentCancelled, PartyCitizen, Text{"Zahlung abgebrochen", "Payment cancelled"}, Text{"Die antragstellende Person hat die Zahlung abgebrochen; der Vorgang ist beendet.", "The citizen has cancelled the payment; the case has ended."}},
	{CodePaymentLapsed, PartyCitizen, Text{"Nicht rechtzeitig bezahlt", "Not paid in time"}, Text{"Die Frist ist verstrichen; der Vorgang ist beendet.", "The time is up; the case has ended."}},
	{CodeUnpaid, PartyCitizen, Text{"Nicht bezahlt", "Not paid"}, Text{"Beendet, weil die Zahlung geschlossen wurde.", "Ended because the payment was closed."}},
	{"payment-failed", PartyClerk, Text{"Zahlung gescheitert", "Payment failed"}, Text{"Die Bezahlplattform meldet die Zahlung als gescheitert: dort nachsehen.", "The provider tells the payment as failed: look there."}},
	{"payment-exists", PartyOperator, Text{"Zahlung schon angelegt", "Payment exists"}, Text{"Die Zahlung gibt es schon, aber sie lässt sich nicht auffinden: in der Konsole der Bezahlplattform nachsehen.", "The payment is there already and cannot be found: look in the provider's console."}},
	{"payment-status-unknown", PartyOperator, Text{"Zahlungsstatus unbekannt", "Payment status unknown"}, Text{"Die Bezahlplattform nennt einen Status, den das Protokoll nicht kennt.", "The provider tells a status that the protocol does not know."}},
	{"transaction-unknown", PartyOperator, Text{"Transaktion unbekannt", "Transaction unknown"}, Text{"Die Bezahlplattform kennt die Transaktion nicht mehr.", "The provider does not know the transaction any more."}},
	{"other-request", PartyOperator, Text{"Fremde Transaktion", "Another's transaction"}, Text{"Die Antwort gehört zu einer anderen Zahlung.", "The answer belongs to another payment."}},
	{"amount-differs", PartyOperator, Text{"Betrag weicht ab", "Amount differs"}, Text{"Die Bezahlplattform nennt einen anderen Betrag.", "The provider tells another amount."}},
	{"CALCULATION_ERROR", PartyOperator, Text{"Summe stimmt nicht", "Sum is wrong"}, Text{"Die Bezahlplattform rechnet anders: die Zuordnung prüfen.", "The provider's sum is another one: check the mapping."}},
	{"BOOKING_DATA_MISSING", PartyOperator, Text{"Buchungsangaben fehlen", "Booking data missing"}, Text{"Der Bezahlplattform fehlen Buchungsangaben: die Zuordnung prüfen.", "The provider lacks booking data: check the mapping."}},
	{"VALIDATION_ERROR", PartyOperator, Text{"Anfrage ungültig", "Request invalid"}, Text{"Die Bezahlplattform beanstandet die Anfrage: die Zuordnung prüfen.", "The provider complains about the request: check the mapping."}},
	{"NO_VALID_ORIGINATOR_OR_ENDPOINT", PartyOperator, Text{"Mandant unbekannt", "Originator unknown"}, Text{"originator oder endpoint des Systems stimmen nicht.", "The system's originator or endpoint is wrong."}},
	{"NO_VALID_ORIGINATOR_OR_DESTINATION", PartyOperator, Text{"Mandant unbekannt", "Originator unknown"}, Text{"originator oder endpoint des Systems stimmen nicht.", "The system's originator or endpoint is wrong."}},
	{"FORBIDDEN", PartyOperator, Text{"Nicht erlaubt", "Forbidden"}, Text{"Dem Hub fehlt bei der Bezahlplattform eine Berechtigung.", "The hub lacks a right at the provider."}},

	// Another hub, and the end by the citizen.
	{CodeActionRequired, PartyCitizen, Text{"Die antragstellende Person ist am Zug", "The citizen must act"}, Text{"Die zuständige Stelle braucht noch etwas.", "The office in charge needs something more."}},
	{"processing", PartyBackend, Text{"In Arbeit", "Being worked on"}, Text{"Die zuständige Stelle hat noch nicht geantwortet.", "The office in charge has not answered yet."}},
	{CodeRemoteRejected, PartyClerk, Text{"Dort nicht angenommen", "Not accepted there"}, Text{"Der andere Hub meldet den Vorgang als beendet ohne Erfolg.", "The other hub tells the case as ended without success."}},
	{CodeRemoteCancelled, PartyCitizen, Text{"Dort zurückgezogen", "Withdrawn there"}, Text{"Der Vorgang wurde beim anderen Hub zurückgezogen oder nicht bezahlt.", "The case was withdrawn at the other hub, or not paid."}},
	{CodeRemoteRefund, PartyClerk, Text{"Dort beendet und bezahlt", "Ended there, and paid"}, Text{"Der Vorgang ist beim anderen Hub zurückgezogen, und die Gebühr ist dort bezahlt: Die zuständige Stelle erstattet sie.", "The case was withdrawn at the other hub, and the fee is paid there: the authority in charge gives it back."}},
	{"status-unknown", PartyOperator, Text{"Status unbekannt", "Status unknown"}, Text{"Der andere Hub nennt einen Status, den dieser nicht kennt.", "The other hub tells a status that this one does not know."}},
	{CodeRemoteErased, PartyOperator, Text{"Dort gelöscht", "Deleted there"}, Text{"Der andere Hub hat den Vorgang gelöscht, bevor er gefragt wurde, wie er ausging: dort fragen.", "The other hub has deleted the case before it was asked how that had ended: ask there."}},
	{CodeRemoteUnknown, PartyOperator, Text{"Dort unbekannt", "Unknown there"}, Text{"Der andere Hub kennt den Vorgang nicht (mehr).", "The other hub does not know the case, or not any more."}},
	{CodeWithdrawn, PartyCitizen, Text{"Zurückgezogen", "Withdrawn"}, Text{"Die antragstellende Person hat den Antrag zurückgezogen.", "The citizen has taken the application back."}},
	{CodeAskedAgain, PartyBackend, Text{"Noch einmal gefragt", "Asked again"}, Text{"Das System hat Neues gemeldet; seine Antwort wird noch einmal geholt.", "The system has told that there is news; its answer is fetched again."}},
	{CodeSystemGone, PartyOperator, Text{"System nicht mehr eingerichtet", "System not configured any more"},
		Text{"Das System steht nicht mehr im Ordner. Seine Datei zurücklegen und reload: Dann geht es von selbst weiter. Hat die Rolle ein anderes System: replay --anew.",
			"The system is not in the folder any more. Put its file back and reload: it goes on by itself then. Where another system has the role: replay --anew."}},
	{CodeSuperseded, PartyPortal, Text{"Überholt", "Superseded"}, Text{"Ein neuerer Rückruf sagt mehr; dieser wird nicht mehr gesendet.", "A newer callback tells more; this one is not sent any more."}},
	{"erased", PartyOperator, Text{"Gelöscht", "Erased"}, Text{"Der Inhalt ist nach Ablauf der Frist oder auf Anordnung gelöscht.", "The content was erased when its time had come or by order."}},

	// Whatever a system says in words of its own.
	{AnyOther, PartyClerk, Text{"Wort des Systems", "The system's own word"}, Text{"Das System hat mit einem eigenen Wort geantwortet; seine Beschreibung sagt, was es meint.", "The system has answered with a word of its own; its manual says what it means."}},
}
