// Package all is the one list of what this build can speak. A new kind is one
// package beside this one and one line here.
package all

import (
	"stellwerk/connectors"
	"stellwerk/connectors/folder"
	"stellwerk/connectors/hub"
	"stellwerk/connectors/mail"
	"stellwerk/connectors/rest"
	"stellwerk/connectors/webhook"
	"stellwerk/connectors/xbezahldienste"
)

// Kinds lists the kinds by name.
func Kinds() []connectors.Kind {
	return []connectors.Kind{
		folder.Kind(),
		hub.Kind(),
		mail.Kind(),
		rest.Kind(),
		webhook.Kind(),
		xbezahldienste.Kind(),
	}
}
