// Package web is the operators' side of the hub: the functions by which a person
// looks up, repairs and steers, and the admin API in front of them.
//
// # Two layers
//
// The functions (submission_list.go, delivery_replay.go, …) are methods of desk:
// they speak in the words of hub and store and know nothing of HTTP. The API
// (api_*.go) reads a request, calls one function and writes the JSON forms of
// package admin. Pages for people stand on the same functions.
//
// # Rules
//
//   - Every call carries an operator's own key as a Bearer token. There are no
//     cookies, so a foreign page can cause nothing here.
//   - Whatever changes something is written to the audit trail with the operator's
//     name; so is every opening of a document, a payload or an attempt's detail, and
//     that line is durable before the content leaves.
//   - A value that people search for travels in a body, never in an address, is
//     hashed and forgotten.
//   - A record that fails its check when it is opened sets its submission aside as
//     damaged, exactly as the flow would.
package web
