package cardnumber

// Lengths of IBANs, from Norway's 15 characters to the most that ISO 13616 allows.
const (
	shortestIBAN = 15
	longestIBAN  = 34
)

// inIBAN says whether the window lies in an International Bank Account Number:
// two letters, two check digits and the account, in one piece or in groups,
// with check digits that are right (ISO 13616, ISO 7064 MOD 97-10).
func (s *scanner) inIBAN(at, end int) bool {
	// Its beginning is at most so far away, with blanks between groups.
	for from := at; from >= 0 && at-from < longestIBAN+longestIBAN/4; from-- {
		if from+4 < len(s.text) && startsIBAN(s.text[from:]) && (from == 0 || !isWord(s.text[from-1])) {
			return isIBAN(s.text[from:], end-from)
		}
	}
	return false
}

func startsIBAN(t string) bool {
	return isLetter(t[0]) && isLetter(t[1]) && t[2]-'0' <= 9 && t[3]-'0' <= 9
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func isWord(c byte) bool { return isLetter(c) || c-'0' <= 9 }

// isIBAN says whether the text begins with an IBAN that is at least so many
// bytes long.
func isIBAN(t string, atLeast int) bool {
	var chars [longestIBAN]byte
	n := 0
	for i := 0; i <= len(t); i++ {
		if i < len(t) && isWord(t[i]) {
			if n == longestIBAN {
				return false
			}
			chars[n] = t[i]
			n++
			continue
		}
		if i >= atLeast && n >= shortestIBAN && mod97(chars[:n]) == 1 {
			return true
		}
		if i == len(t) || t[i] != ' ' {
			return false
		}
	}
	return false
}

// mod97 is the remainder of an IBAN whose first four characters are put last
// and whose letters count from 10.
func mod97(chars []byte) int {
	m := 0
	for i := range chars {
		c := chars[(i+4)%len(chars)]
		if c-'0' <= 9 {
			m = (m*10 + int(c-'0')) % 97
		} else {
			m = (m*100 + int(c|0x20-'a') + 10) % 97
		}
	}
	return m
}
