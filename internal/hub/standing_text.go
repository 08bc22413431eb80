package hub

// What citizens are told of a case.
var (
	textInitiated    = Text{"Ihr Antrag ist begonnen und noch nicht abgesendet.", "Your application has been begun and not been sent off yet."}
	textSubmitted    = Text{"Ihr Antrag ist abgesendet.", "Your application has been sent off."}
	textReceived     = Text{"Ihr Antrag ist eingegangen.", "Your application has arrived."}
	textProcessing   = Text{"Ihr Antrag wird an die zuständigen Stellen weitergeleitet.", "Your application is being passed to the offices in charge."}
	textReview       = Text{"Ihr Antrag ist eingegangen und wird von der Verwaltung geprüft.", "Your application has arrived and is being looked at by the administration."}
	textErased       = Text{"Ihr Antrag ist abgeschlossen; die Angaben dazu sind gelöscht.", "Your application has come to its end; what was known of it is deleted."}
	textNothing      = Text{"Sie müssen nichts tun.", "You need not do anything."}
	textRefundHow    = Text{"Die Gebühr erstattet die Stelle, bei der Sie bezahlt haben.", "The fee is given back by the authority that you have paid it to."}
	textPay          = Text{"Ihr Antrag ist eingegangen. Bitte bezahlen Sie die Gebühr, damit er weiter bearbeitet wird.", "Your application has arrived. Please pay the fee so that it is worked on."}
	textPayHow       = Text{"Bitte bezahlen Sie die Gebühr.", "Please pay the fee."}
	textAct          = Text{"Ihr Antrag ist eingegangen. Die zuständige Stelle braucht noch etwas von Ihnen.", "Your application has arrived. The office in charge needs something more from you."}
	textActHow       = Text{"Bitte melden Sie sich bei der zuständigen Stelle.", "Please get in touch with the office in charge."}
	textCompleted    = Text{"Ihr Antrag liegt allen zuständigen Stellen vor.", "Your application is with all offices in charge."}
	textEnded        = Text{"Die Weiterleitung Ihres Antrags ist abgeschlossen.", "The passing on of your application has come to its end."}
	textRejected     = Text{"Ihr Antrag wurde nicht angenommen. Bitte wenden Sie sich an Ihre Kommune.", "Your application was not accepted. Please get in touch with your municipality."}
	textRejectedPaid = Text{"Ihr Antrag wurde nicht angenommen. Die Gebühr ist bezahlt: Wenden Sie sich wegen der Erstattung bitte an Ihre Kommune.", "Your application was not accepted. The fee is paid: please turn to your municipality to have it back."}
	textNotPaid      = Text{"Ihr Antrag ist beendet, weil die Zahlung abgebrochen wurde.", "Your application has ended because the payment was cancelled."}
	textUnpaid       = Text{"Ihr Antrag ist beendet, weil die Gebühr nicht bezahlt ist.", "Your application has ended because the fee has not been paid."}
	textLapsed       = Text{"Ihr Antrag ist beendet, weil die Gebühr nicht rechtzeitig bezahlt wurde.", "Your application has ended because the fee was not paid in time."}
	textCancelled    = Text{"Ihr Antrag ist zurückgezogen. Er wurde an keine Stelle weitergeleitet.", "Your application is withdrawn. It was not passed on to any office."}

	textCancelledOpen = Text{"Ihr Antrag ist zurückgezogen. Was gerade unterwegs war, wird noch geklärt.",
		"Your application is withdrawn. What was on its way at that moment is still being looked at."}
	textCancelledLate = Text{"Ihr Antrag ist zurückgezogen, soweit er noch nicht weitergeleitet war. Stellen, die ihn schon haben, haben ihn weiterhin: Wenden Sie sich bitte an diese.",
		"Your application is withdrawn as far as it had not been passed on. Offices that have it already still have it: please turn to them."}
	textCancelledUnpaid = Text{"Ihr Antrag ist zurückgezogen. Er wurde an keine Stelle weitergeleitet. Bitte bezahlen Sie die Gebühr nicht mehr.",
		"Your application is withdrawn. It was not passed on to any office. Please do not pay the fee any more."}
	textCancelledPaid = Text{"Ihr Antrag ist zurückgezogen. Er wurde an keine Stelle weitergeleitet. Die Gebühr ist bezahlt: Wenden Sie sich wegen der Erstattung bitte an Ihre Kommune.",
		"Your application is withdrawn. It was not passed on to any office. The fee is paid: please turn to your municipality to have it back."}
	textCancelledRefunded = Text{"Ihr Antrag ist zurückgezogen. Er wurde an keine Stelle weitergeleitet. Die Verwaltung hat sich der bezahlten Gebühr angenommen; bei Fragen wenden Sie sich bitte an Ihre Kommune.",
		"Your application is withdrawn. It was not passed on to any office. The administration has seen to the fee that was paid; with questions please turn to your municipality."}
	// What ended at another authority may have been taken back there, or not been paid.
	textCancelledThere = Text{"Ihr Antrag ist bei der zuständigen Stelle beendet, zurückgezogen oder nicht bezahlt, und wird nicht weiter bearbeitet.",
		"Your application has ended at the authority in charge, withdrawn or not paid, and is not worked on any more."}
	textPaidThere = Text{"Ihr Antrag ist bei der zuständigen Stelle beendet und wird nicht weiter bearbeitet. Die Gebühr ist dort bezahlt: Wenden Sie sich wegen der Erstattung bitte an sie.",
		"Your application has ended at the authority in charge and is not worked on any more. The fee is paid there: please turn to it to have it back."}
	textWithdrawnPaidThere = Text{"Ihr Antrag ist zurückgezogen und wird auch bei der zuständigen Stelle nicht weiter bearbeitet. Die Gebühr ist dort bezahlt: Wenden Sie sich wegen der Erstattung bitte an sie.",
		"Your application is withdrawn, and the authority in charge does not work on it any more either. The fee is paid there: please turn to it to have it back."}
	textWithdrawnThere = Text{"Ihr Antrag ist zurückgezogen und wird auch bei der zuständigen Stelle nicht weiter bearbeitet. Haben Sie dort schon eine Gebühr bezahlt, wenden Sie sich bitte wegen der Erstattung an sie.",
		"Your application is withdrawn, and the authority in charge does not work on it any more either. If you have paid a fee there, please turn to it to have it back."}
)

// Text is the sentence that goes with a status where nothing more is known.
func (s CaseStatus) Text() Text {
	return map[CaseStatus]Text{
		CaseInitiated: textInitiated, CaseSubmitted: textSubmitted, CaseReceived: textReceived, CaseProcessing: textProcessing,
		CaseActionRequired: textAct, CaseCompleted: textCompleted, CaseRejected: textRejected, CaseCancelled: textCancelled,
	}[s]
}
