package record

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The metadata that payrec stamps on what it reports. The API returns no
// business dates, no fees and no refund lines, so an export by accounting
// period, and the rebuilding of a lost journal, live on these pairs.
const (
	StampPrefix       = "payrec_"
	StampOp           = "payrec_op"            // the operation id of report_payment
	StampHash         = "payrec_h"             // the beginning of report_payment's content hash; see [ContentStamp]
	StampSource       = "payrec_source"        // the namespace of the payment's key
	StampPayment      = "payrec_payment"       // the payment's key, where it is not its payment_reference
	StampNatural      = "payrec_id"            // report_payment's natural id, where it is not the payment's key
	StampFile         = "payrec_file"          // base name of the file of the payment's row
	StampLine         = "payrec_line"          // its line
	StampInitiatedAt  = "payrec_initiated_at"  // RFC 3339, UTC
	StampGuaranteedAt = "payrec_guaranteed_at" // RFC 3339, UTC
	StampFailedAt     = "payrec_failed_at"     // RFC 3339, UTC
	StampCanceledAt   = "payrec_canceled_at"   // RFC 3339, UTC
	StampFee          = "payrec_fee"           // decimal, major units, positive when it was taken
	StampNet          = "payrec_net"           // decimal, major units
	StampNetCurrency  = "payrec_net_currency"  // of fee and net, lower case
	StampUndo         = "payrec_undo"          // the run whose payment was taken back
	StampRefundPrefix = "payrec_refund_"       // one pair per refund; see [RefundStamp]
	StampCallPrefix   = "payrec_call_"         // one pair per other call; see [CallStamp]
)

// contentStamp is how many characters of a content hash are stamped: 48 bits
// tell an edited row from the same one, and say nothing about its values.
const contentStamp = 12

// ContentStamp is as much of a content hash as is stamped. Two contents are
// taken for the same when one begins with the other.
func ContentStamp(content string) string { return content[:min(len(content), contentStamp)] }

// A CallStamp is a call on an existing payment, other than a refund, as it is
// written into the payment's metadata: under a key of its own, like a refund.
type CallStamp struct {
	Op      string   `json:"op"`
	Call    CallName `json:"call"`
	Content string   `json:"h,omitempty"`
	Natural string   `json:"id,omitempty"`  // left out when it is too long
	Row     string   `json:"row,omitempty"` // file:line
}

// Pair is the stamp as a metadata key and value, within the API's limits.
func (s CallStamp) Pair() (key, value string) {
	key = StampCallPrefix + s.Op[:min(len(s.Op), MaxMetadataKey-len(StampCallPrefix))]
	var few [MaxMetadataValue]byte
	for {
		b := s.append(few[:0])
		switch {
		case utf8.RuneCount(b) <= MaxMetadataValue:
			return key, string(b)
		case s.Row != "":
			s.Row = ""
		case s.Natural != "":
			s.Natural = ""
		default: // no operation id or call of ours is that long
			return key, string(b)
		}
	}
}

// append appends the stamp as encoding/json writes it.
func (s *CallStamp) append(b []byte) []byte {
	b = appendMember(b, `{"op":`, s.Op)
	b = appendMember(b, `,"call":`, string(s.Call))
	b = appendGiven(b, `,"h":`, s.Content)
	b = appendGiven(b, `,"id":`, s.Natural)
	return append(appendGiven(b, `,"row":`, s.Row), '}')
}

// ParseCallStamp reads a metadata pair that [CallStamp.Pair] wrote. ok is false
// for any other pair; an error means a stamp that was damaged.
func ParseCallStamp(key, value string) (s CallStamp, ok bool, err error) {
	if !strings.HasPrefix(key, StampCallPrefix) {
		return s, false, nil
	}
	if err := json.Unmarshal([]byte(value), &s); err != nil {
		return s, true, fmt.Errorf("metadata %q is not the stamp of a call: %w", key, err)
	}
	return s, true, nil
}

// A RefundStamp is one refund as it is written into its payment's metadata.
// Each refund has a key of its own, because nothing public says whether a
// later call's metadata lands on the record and would overwrite an equal key.
type RefundStamp struct {
	Op        string   `json:"op"`
	Value     int64    `json:"value"` // minor units
	Currency  Currency `json:"currency"`
	At        string   `json:"at,omitempty"` // RFC 3339, UTC
	Reference string   `json:"ref"`
	Fee       string   `json:"fee,omitempty"` // decimal, major units
	Content   string   `json:"h,omitempty"`   // see [ContentStamp]
	Row       string   `json:"row,omitempty"` // file:line
}

// Pair is the stamp as a metadata key and value, within the API's limits. What
// does not fit is left out whole: half a reference would pass for another one.
func (s RefundStamp) Pair() (key, value string) {
	key = StampRefundPrefix + s.Op[:min(len(s.Op), MaxMetadataKey-len(StampRefundPrefix))]
	var few [MaxMetadataValue]byte
	for {
		b := s.append(few[:0])
		// The place goes first: the journal has it too.
		switch {
		case utf8.RuneCount(b) <= MaxMetadataValue:
			return key, string(b)
		case s.Row != "":
			s.Row = ""
		case s.Reference != "":
			s.Reference = ""
		case s.Fee != "":
			s.Fee = ""
		default: // no operation id or time of ours is that long
			return key, string(b)
		}
	}
}

// append appends the stamp as encoding/json writes it.
func (s *RefundStamp) append(b []byte) []byte {
	b = appendMember(b, `{"op":`, s.Op)
	b = strconv.AppendInt(append(b, `,"value":`...), s.Value, 10)
	b = appendMember(b, `,"currency":`, string(s.Currency))
	b = appendGiven(b, `,"at":`, s.At)
	b = appendMember(b, `,"ref":`, s.Reference)
	b = appendGiven(b, `,"fee":`, s.Fee)
	b = appendGiven(b, `,"h":`, s.Content)
	return append(appendGiven(b, `,"row":`, s.Row), '}')
}

// appendGiven appends a member of a JSON object that is left out when it is empty.
func appendGiven(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	return appendMember(b, name, value)
}

// appendMember appends a member of a JSON object. Its name comes with what stands
// around it.
func appendMember(b []byte, name, value string) []byte {
	b = append(b, name...)
	for i := range len(value) {
		switch c := value[i]; {
		case c < ' ', c > '~', c == '"', c == '\\', c == '<', c == '>', c == '&': // what encoding/json escapes, and more
			text, err := json.Marshal(value)
			if err != nil { // unreachable: a string
				panic(err)
			}
			return append(b, text...)
		}
	}
	return append(append(append(b, '"'), value...), '"')
}

// ParseRefundStamp reads a metadata pair that [RefundStamp.Pair] wrote. ok is
// false for any other pair; an error means a refund stamp that was damaged.
func ParseRefundStamp(key, value string) (s RefundStamp, ok bool, err error) {
	if !strings.HasPrefix(key, StampRefundPrefix) {
		return s, false, nil
	}
	if scanRefundStamp(value, &s) {
		return s, true, nil
	}
	s, err = decodeRefundStamp(key, value)
	return s, true, err
}

// decodeRefundStamp is apart from ParseRefundStamp, which then takes no memory
// for pairs that are no refunds.
func decodeRefundStamp(key, value string) (s RefundStamp, err error) {
	if err := json.Unmarshal([]byte(value), &s); err != nil {
		return s, fmt.Errorf("metadata %q is not a refund stamp: %w", key, err)
	}
	return s, nil
}
