// Package intake is the portals' HTTP API: it authenticates, reads, checks and
// accepts submissions, and tells a portal what became of its own. It maps
// nothing and sends nothing; what it has accepted is on disk, and a doorbell
// tells the flow.
//
// # Rules
//
//   - No byte of a body is read before the portal's key is found good, and, where
//     the metadata stand in headers, before its scope is. A callback of another hub has
//     no key but its signature, which is over the body: of that, 16 KiB are read.
//   - A portal hears a refusal that no repetition heals, while it still sends: what comes
//     behind it is read and dropped for some seconds.
//   - What another hub tells of a citizen is believed by its signed envelope alone.
//   - 202 is written after Store.Accept has returned without an error, never
//     earlier. Whatever is not certain is a 503 that asks to repeat with the same key.
//   - The same idempotency key with the same content gets the same body, byte for
//     byte, whatever the configuration says by then: before a refusal on content is
//     written, the key is looked up.
//   - Attachments go to disk sealed, while they arrive; a payload is held in memory
//     once, within a budget over all requests.
//   - Nothing a citizen wrote is repeated in an answer or a log line. Refusals give
//     place, rule and remedy.
//   - Each submission of a bundle has its own success. In a call with several each is
//     durable before the next is read; what refuses one is its result, and what a
//     repetition may heal ends the call. A repeated call finds what was kept before.
//   - A submission of another portal is answered like one that does not exist.
//
// openapi.yaml describes the API; the tests hold every request and every answer
// against it.
package intake
