package sniff

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/simplifiedchinese"
	uni "golang.org/x/text/encoding/unicode"
)

// guessEncoding names the encoding of a text and gives the text in UTF-8,
// without its byte order mark.
func (f *Finding) guessEncoding(head []byte, whole bool) (string, []byte) {
	for _, m := range []struct {
		mark, label string
		enc         encoding.Encoding
	}{
		{"\xEF\xBB\xBF", "utf-8", nil},
		{"\xFF\xFE", "utf-16le", uni.UTF16(uni.LittleEndian, uni.IgnoreBOM)},
		{"\xFE\xFF", "utf-16be", uni.UTF16(uni.BigEndian, uni.IgnoreBOM)},
	} {
		if rest, ok := bytes.CutPrefix(head, []byte(m.mark)); ok {
			f.note("begins with a byte order mark")
			return m.label, decode(rest, m.enc)
		}
	}
	if label, enc := unmarkedUTF16(head); enc != nil {
		f.note("encoding guessed: %s, by its zero bytes", label)
		return label, decode(head, enc)
	}
	if utf8.Valid(wholeRunes(head, whole)) {
		return "utf-8", head
	}
	return f.guessCharset(head)
}

func decode(b []byte, enc encoding.Encoding) []byte {
	if enc == nil {
		return b
	}
	text, err := enc.NewDecoder().Bytes(b)
	if err != nil {
		return b
	}
	return text
}

// wholeRunes drops a character that the end of the sample cut in two.
func wholeRunes(b []byte, whole bool) []byte {
	for i := 1; !whole && i < utf8.UTFMax && i <= len(b); i++ {
		if last := b[len(b)-i:]; utf8.RuneStart(last[0]) {
			if !utf8.FullRune(last) {
				return b[:len(b)-i]
			}
			break
		}
	}
	return b
}

// unmarkedUTF16 recognises text whose every other byte is mostly zero.
func unmarkedUTF16(b []byte) (string, encoding.Encoding) {
	b = b[:min(len(b), 4096)&^1]
	var even, odd int
	for i := 0; i+1 < len(b); i += 2 {
		if b[i] == 0 {
			even++
		}
		if b[i+1] == 0 {
			odd++
		}
	}
	half := len(b) / 2
	switch {
	case half < 2:
	case odd > half*2/3 && even < half/10+1:
		return "utf-16le", uni.UTF16(uni.LittleEndian, uni.IgnoreBOM)
	case even > half*2/3 && odd < half/10+1:
		return "utf-16be", uni.UTF16(uni.BigEndian, uni.IgnoreBOM)
	}
	return "", nil
}

// guessCharset takes the encoding under which the characters outside ASCII
// read best, and says how sure that is.
func (f *Finding) guessCharset(head []byte) (string, []byte) {
	head = head[:min(len(head), 256<<10)]
	best, bestScore, total := "", 0.0, 0.0
	var text []byte
	for _, c := range []struct {
		label string
		enc   encoding.Encoding
		score func(string) float64
	}{
		{"windows-1252", charmap.Windows1252, westernScore},
		{"gbk", simplifiedchinese.GBK, chineseScore},
		{"shift_jis", japanese.ShiftJIS, japaneseScore},
	} {
		decoded := decode(head, c.enc)
		score := c.score(string(decoded))
		total += score
		if best == "" || score > bestScore {
			best, bestScore, text = c.label, score, decoded
		}
	}
	confidence := 0.0
	if total > 0 {
		confidence = bestScore * bestScore / total
	}
	f.note("not UTF-8; encoding guessed: %s (confidence %.2f); look at the samples", best, confidence)
	return best, text
}

// westernScore is the part of the characters outside ASCII that are letters or
// signs of western European text, each among ASCII: runs of them are another
// script seen through the wrong table.
func westernScore(s string) float64 {
	good, all, run := 0.0, 0.0, 0
	for _, r := range s {
		if r < utf8.RuneSelf {
			run = 0
			continue
		}
		run++
		all++
		switch {
		case run > 2:
		case r >= 'À' && r <= 'ÿ' && r != '×' && r != '÷':
			good++
		case r == '€', r == '£', r == '\u00a0', r == '«', r == '»', r == '°', r == '§', r == '–', r == '’', r == 'œ', r == 'Š', r == 'š', r == 'Ž', r == 'ž', r == 'ß':
			good += 0.9
		case unicode.IsPrint(r):
			good += 0.2
		}
	}
	return part(good, all)
}

// chineseScore asks for the commonest characters: those of GB 2312's first
// level, which the encoder maps to lead bytes B0 to D7, and full-width signs.
func chineseScore(s string) float64 {
	enc := simplifiedchinese.GBK.NewEncoder()
	return eastern(s, func(r rune) float64 {
		b, err := enc.Bytes([]byte(string(r)))
		switch {
		case err != nil || len(b) != 2:
			return 0
		case b[0] >= 0xB0 && b[0] <= 0xD7 && b[1] >= 0xA1:
			return 1
		case b[0] >= 0xA1 && b[0] <= 0xA3 && b[1] >= 0xA1:
			return 0.9
		case b[0] >= 0xB0 && b[0] <= 0xF7 && b[1] >= 0xA1:
			return 0.4
		}
		return 0.1
	})
}

// japaneseScore asks for kana and for the kanji of JIS level 1 (lead bytes 88
// to 97). Half-width kana are what other encodings turn into.
func japaneseScore(s string) float64 {
	enc := japanese.ShiftJIS.NewEncoder()
	return eastern(s, func(r rune) float64 {
		switch {
		case r >= 'ぁ' && r <= 'ー':
			return 1
		case r >= '、' && r <= '〓', r >= '！' && r <= '～', r == '￥':
			return 0.9
		case r >= '｡' && r <= 'ﾟ':
			return 0.15
		}
		b, err := enc.Bytes([]byte(string(r)))
		switch {
		case err != nil || len(b) != 2:
			return 0
		case b[0] >= 0x88 && b[0] <= 0x97:
			return 0.95
		case b[0] >= 0x98:
			return 0.3
		}
		return 0.2
	})
}

// eastern averages a score over the characters outside ASCII. Bytes that are
// no characters weigh heavily.
func eastern(s string, score func(rune) float64) float64 {
	good, all, looked := 0.0, 0.0, 0
	for _, r := range s {
		if r < utf8.RuneSelf {
			continue
		}
		if looked++; looked > 20000 {
			break
		}
		all++
		if r == utf8.RuneError {
			all += 4
			continue
		}
		good += score(r)
	}
	return part(good, all)
}

func part(good, all float64) float64 {
	if all == 0 {
		return 0
	}
	return good / all
}
