// Package stripeapi is the only package that knows the API's wire form: its
// addresses, keys, headers, errors and limits.
//
// Terms:
//
//   - A [Key] is the secret API key. It never shows in text, JSON, logs or errors.
//   - A [Base] is where the API is: api.stripe.com, or a loopback address for
//     the sandbox and for tests. Nothing else is spoken to.
//   - [Client.Send] makes one write and gives one [Answer]. It never retries,
//     never follows a redirect and never lets net/http send anything twice, so
//     that every request on the wire is one the caller has written down.
//   - A [Verdict] is what an answer means for the call: not what came, but what
//     the caller may do next. The table in the comment of [Verdict] is the
//     heart of this package.
//   - Reads ([Client.Records], [Client.Attempts], [Client.Record],
//     [Client.Attempt]) change nothing, so they are retried here, boundedly; a
//     read that fails for good is an [Error].
//
// Why not the official client: payrec sends bodies it has already written to
// its journal, byte for byte, and must know of each whether any byte of it left
// the machine. A typed client builds its own bodies and retries on its own.
//
// # One request, one key, no replays
//
// net/http silently repeats a request on a fresh connection when a kept-alive
// one breaks, provided it thinks the request replayable, and an
// Idempotency-Key header makes it think so (net/http, Request.isReplayable).
// It can only do that when it can get the body again: Send gives a body that
// cannot be read twice and no GetBody.
//
// # What a call costs
//
// Sending is what payrec exists for, so a write costs little more than net/http
// itself: address and headers are prepared once, bodies are the journal's bytes,
// and the answer to a call that went well is read by a scanner that keeps three
// texts and checks the rest. Whatever that does not know is encoding/json's to
// judge. What remains is bounded by count in a test of cmd/payrec.
//
// # Not sent or in doubt
//
// A failed call is [NotSent] only when no connection for it was ever had: the
// name was not found, nobody listened, the TLS handshake failed, or the context
// ended before. As soon as a connection is handed to the request, bytes may be
// in a buffer, in a socket or at the API, and no error can tell which; such a
// call is [InDoubt]. A kept-alive connection that the server closed at the same
// moment falls on that side as well: doubt costs one repetition under the same
// key, a wrong "not sent" could cost a second payment.
//
// # Sources
//
// docs.stripe.com/api/errors, /rate-limits, /idempotency, /keys; the OpenAPI
// description of version 2026-08-26.dahlia. What is not publicly known is not
// relied on: an answer that fits no documented form leaves the call in doubt
// or stops the run.
package stripeapi
