package journal

import (
	"crypto/sha256"
	"encoding/base32"
	"strconv"
	"strings"

	"github.com/payrec/payrec/record"
)

// opIDLength is the length of an operation's id: 26 digits of 5 bits, 130 bits.
const opIDLength = 26

// OpID says what a call is: 26 lower-case base32 digits of a SHA-256 over the
// account, the mode, the source, the call and its natural ids. It does not
// depend on file, row order, amounts or texts, so that the same call is found
// again in any file that tells of it. The endpoint is left out: it names the
// way to the account, not the account.
func OpID(id Identity, source string, call record.CallName, natural string) string {
	h := sha256.New()
	// Each part carries its length, so that no two lists of parts read alike.
	for _, part := range []string{"payrec/1", id.Account, strconv.FormatBool(id.Livemode), source, string(call), natural} {
		h.Write([]byte(strconv.Itoa(len(part))))
		h.Write([]byte{':'})
		h.Write([]byte(part))
	}
	return strings.ToLower(base32.StdEncoding.EncodeToString(h.Sum(nil)))[:opIDLength]
}
