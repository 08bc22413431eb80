// Package webhook calls a portal back by Standard Webhooks
// (https://www.standardwebhooks.com): a thin JSON body, sent as it is, and
//
//	webhook-id         the delivery's id: the same in every attempt
//	webhook-timestamp  Unix seconds of the attempt
//	webhook-signature  "v1a," and the base64 of an ed25519 signature over
//	                   id.timestamp.body; one for each key, with blanks between
//
// Keys are exchanged without a moment in which nothing fits: the new one is added in
// front, the portal learns its public half, the old one is taken out. The portal
// accepts a call if one signature fits one of its keys.
//
// 2xx is delivered. 410 is refused, code gone: the portal has taken the address back.
// Every other answer, and none, means what package wire says. Portals recognise a
// repeated webhook-id, as the standard demands. Attachments are never sent.
package webhook

import "stellwerk/connectors"

// Kind is the protocol.
func Kind() connectors.Kind {
	return connectors.Kind{
		Name:      "webhook",
		Summary:   "signed callbacks to a portal by Standard Webhooks",
		Configure: configure,
	}
}
