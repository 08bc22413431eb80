// Package vault seals what is personal: payloads, attachments, rendered
// documents and everything else that may name a citizen. It knows no store, no
// clock and no network.
//
// # Keys
//
//	operator's key ──wraps──▶ data key of one submission ──seals──▶ its records
//
// A keyring is a small text file that the operator holds. Each line is a key's
// name and 32 bytes in base64; blank lines and lines that start with # are left
// out:
//
//	# the first key wraps what is new; the others still open what is old
//	k2-9c41e0 5sRv…=
//	k1-03af7b pB0x…=
//	search Zk3d…=
//
// The line search is no wrapping key: the keyed hashes for searching and for
// ordering are made with it, so Rotate leaves it as it is. A keyring without it
// is refused, because hashes made with another key would find nothing.
//
// # What a record looks like
//
// Records are sealed with AES-256-GCM under the submission's data key, a random
// nonce in front. The submission's id, its municipality and the record's name
// are associated data: a record that was moved to another submission or another
// column does not open. Streams (attachments) are sealed in segments with
// AES-GCM-HKDF as Tink defines it; a stream that was cut short does not open.
//
// A wrapped data key starts with a version, which stands for the whole scheme:
// the records of a submission carry none of their own. Random nonces allow four
// billion submissions under one operator's key; rotate long before.
//
// Deleting is destroying the wrapped data key: whatever copy of a record lies
// around without it is noise from then on. A backup that has the wrapped key, too,
// opens as long as there is the key that wraps it: Rotate, Rewrap, and removing the
// old key from every keyring make noise of it.
package vault
