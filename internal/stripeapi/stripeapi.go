// Package stripeapi is the only package that knows the API's wire form: its
// addresses, keys, headers, errors and limits.
//
// Terms:
//
//   - A [Key] is the secret API key. It never shows in text, JSON, logs or errors.
//   - A [Base] is where the API is: api.stripe.com, or a loopback address for
//     the sandbox and for tests. Nothing else is spoken to.
//   - [Client.Send] makes one write and gives one [Answer]. It never retries,
//     never follows a redirect and nothing under it sends anything twice, so
//     that every request on the wire is one the caller has written down.
//   - A write goes directly, over a connection of our own (conn), of which idle
//     ones wait in a pool, or over a transport, which is net/http's.
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
// # Connections of our own
//
// Sending is what payrec exists for. net/http's Transport takes 27 µs of
// processor time and 69 allocations for a write, most of it for handing the
// request and the answer between the caller and two goroutines of the
// connection; a connection of our own takes 8 µs and 5, of which 5 are the
// system calls (BenchmarkSend, 32 in flight, the server in another process, go1.26).
// Read by [http.ReadResponse] instead of scanHead it would be 7 more. What is done:
//
//   - The caller's goroutine does it all. The request is one buffer (line and
//     common headers are prepared once) and leaves in one write. The answer is
//     read into one buffer too, and judged there.
//   - scanHead reads the one form that nearly all answers have. All others, such
//     as chunks, 1xx, bare line feeds and long headers, are left to
//     [http.ReadResponse]. FuzzRead holds both against net/http: no answer
//     reads differently.
//   - The call's time limit is the connection's deadline; ending the context
//     moves it into the past, and then the connection is not used again.
//   - A connection carries the next call only when the last answer was whole, said
//     its length, did not say that the server closes, and nothing came after it.
//     Before a byte is written it is looked at without waiting (on Unix):
//     one that the server ended, or said something on unasked, is let go. So what
//     came before a call began is never taken for its answer, as net/http may take
//     it in the moment between two calls.
//   - As many connections idle as Config.MaxConns says, for half a minute, the
//     last used on top, so that a quiet run lets the others go. More are dialled
//     when more calls are made at once than idle: never more than calls.
//   - TLS is crypto/tls with its own settings, as with net/http: the system's
//     roots, at least TLS 1.2, the host's name. It speaks HTTP/1.1, as the official
//     clients for Node and Python do, so calls at the same time take a connection each.
//
// Over a transport go the reads, the writes where the environment names a proxy
// for the API's address, and all of a client that was given one. The
// contract is the same and so are the tests (eachWay): only that the transport says
// InDoubt in some cases where a direct write knows that it was NotSent.
//
// # One request, one key, no replays
//
// net/http silently repeats a request on a fresh connection when a kept-alive
// one breaks, provided it thinks the request replayable, and an
// Idempotency-Key header makes it think so (net/http, Request.isReplayable).
// It can only do that when it can get the body again: over a transport Send gives
// a body that cannot be read twice and no GetBody. Directly, nothing repeats.
//
// # What an answer costs
//
// The body of an answer to a call that went well is read by a scanner that keeps two
// ids and checks the rest, eight bytes of a string at a time. Whatever that does not
// know is encoding/json's to judge. Of the header one text is kept. What a call
// costs is bounded by count in a test of cmd/payrec.
//
// # Not sent or in doubt
//
// A direct call that failed is [NotSent] exactly when TCP took no byte of it: the
// name was not found, nobody listened, the TLS handshake failed, the context
// ended before, or the connection was known to be dead. From the first byte on,
// over TLS from the first of a record, it may be at the API, and no error can tell; unless a
// whole answer came, such a call is [InDoubt]. Over a transport it is InDoubt as soon as a
// connection is handed to it. A kept-alive connection that the server closes in
// the very moment of writing falls on that side as well: doubt costs one
// repetition under the same key, a wrong "not sent" could cost a second payment.
//
// # Sources
//
// docs.stripe.com/api/errors, /rate-limits, /idempotency, /keys; the OpenAPI
// description of version 2026-08-26.dahlia. What is not publicly known is not
// relied on: an answer that fits no documented form leaves the call in doubt
// or stops the run.
package stripeapi
