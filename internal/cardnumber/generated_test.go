package cardnumber_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/payrec/payrec/internal/cardnumber"
)

// issuers are written down here a second time, prefix by prefix as the networks
// publish them, so that a hole in the package's table shows. Sources:
// Wikipedia, "Payment card number"; Braintree's credit-card-type 10.
var issuers = []struct {
	name     string
	from, to int
	lengths  []int
}{
	{"Visa", 4, 4, []int{13, 16, 18, 19}},
	{"Mastercard", 51, 55, []int{16}},
	{"Mastercard", 2221, 2720, []int{16}},
	{"American Express", 34, 34, []int{15}},
	{"American Express", 37, 37, []int{15}},
	{"Diners Club", 300, 305, []int{14, 16, 19}},
	{"Diners Club", 36, 36, []int{14, 16, 19}},
	{"Diners Club", 38, 39, []int{14, 16, 19}},
	{"Discover", 6011, 6011, []int{16, 19}},
	{"Discover", 644, 649, []int{16, 19}},
	{"Discover", 65, 65, []int{16, 19}},
	{"Discover and UnionPay", 622126, 622925, []int{16, 19}},
	{"JCB", 3528, 3589, []int{16, 17, 18, 19}},
	{"UnionPay", 620, 620, []int{16, 17, 18, 19}},
	{"UnionPay", 623, 626, []int{16, 17, 18, 19}},
	{"UnionPay", 8110, 8171, []int{16, 19}},
	{"Maestro", 500000, 504174, []int{13, 14, 15, 16, 17, 18, 19}},
	{"Maestro", 56, 58, []int{13, 16, 19}},
	{"Maestro", 6304, 6304, []int{16, 18, 19}},
	{"Maestro", 67, 67, []int{16, 18, 19}},
	{"Elo", 506699, 506778, []int{16}},
	{"Elo", 650485, 650538, []int{16}},
	{"Hipercard", 606282, 606282, []int{16}},
	{"Mir", 2200, 2204, []int{16, 17, 18, 19}},
	{"RuPay", 508500, 508999, []int{16}},
	{"RuPay", 606985, 607984, []int{16}},
	{"RuPay", 652150, 653149, []int{16}},
	{"Troy", 979200, 979289, []int{16}},
	{"Verve", 506099, 506198, []int{16, 18, 19}},
}

// groupings are how people write numbers down.
var groupings = []struct {
	name   string
	length int // of the numbers; 0: any
	groups []int
	sep    string
}{
	{"plain", 0, nil, ""},
	{"4-4-4-4 with blanks", 16, []int{4, 4, 4, 4}, " "},
	{"4-4-4-4 with dashes", 16, []int{4, 4, 4, 4}, "-"},
	{"4-4-4-4 with no-break spaces", 16, []int{4, 4, 4, 4}, "\u00a0"},
	{"4-6-5", 15, []int{4, 6, 5}, " "},
	{"19 digits, 4-4-4-4-3", 19, []int{4, 4, 4, 4, 3}, " "},
	{"19 digits, plain", 19, nil, ""},
	{"4-4-4-4 with thin spaces", 16, []int{4, 4, 4, 4}, "\u2009"},
	{"4-4-4-4 with en dashes", 16, []int{4, 4, 4, 4}, "–"},
	{"4-6-4", 14, []int{4, 6, 4}, "-"},
}

// generate makes a card number of that length, or of any when it is 0.
func generate(r *rand.Rand, length int) string {
	for {
		is := issuers[r.IntN(len(issuers))]
		if len(is.lengths) == 0 {
			continue
		}
		n := is.lengths[r.IntN(len(is.lengths))]
		if length != 0 && n != length {
			continue
		}
		s := strconv.Itoa(is.from + r.IntN(is.to-is.from+1))
		for len(s) < n-1 {
			s += strconv.Itoa(r.IntN(10))
		}
		return s + checkDigit(s)
	}
}

func checkDigit(s string) string {
	sum := 0
	for i := range len(s) {
		d := int(s[len(s)-1-i] - '0')
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return strconv.Itoa((10 - sum%10) % 10)
}

func grouped(s string, groups []int, sep string) string {
	var parts []string
	for _, n := range groups {
		parts = append(parts, s[:n])
		s = s[n:]
	}
	if s != "" {
		parts = append(parts, s)
	}
	return strings.Join(parts, sep)
}

// TestRecall: of generated card numbers 99.9 % are found in every grouping, on
// their own and in a sentence; none of them is left in what is masked.
func TestRecall(t *testing.T) {
	each := 20_000
	if testing.Short() {
		each = 2000
	}
	r := rand.New(rand.NewPCG(7, 7812))
	for _, g := range groupings {
		missed, inText := 0, 0
		for range each {
			number := grouped(generate(r, g.length), g.groups, g.sep)
			if n, ok := cardnumber.Find(number); !ok || n.From != 0 || n.To != len(number) {
				if missed++; missed < 5 {
					t.Logf("%s: %s is not found", g.name, number)
				}
			}
			if masked := cardnumber.Mask("Order 7, card " + number + " exp 12/27, EUR 10.50"); strings.Contains(masked, number) || !strings.HasPrefix(masked, "Order 7, card ") {
				inText++
			}
		}
		if missed*1000 > each || inText*1000 > each {
			t.Errorf("%s: of %d numbers %d are missed, %d of them in a sentence", g.name, each, missed, inText)
		}
	}
}

// references are columns of numbers that are no card numbers.
var references = []struct {
	name string
	make func(r *rand.Rand, i int) string
}{
	{"order numbers", func(r *rand.Rand, i int) string { return strconv.Itoa(100_000 + i) }},
	{"order numbers of 16 digits", func(r *rand.Rand, i int) string { return fmt.Sprintf("%016d", 4_000_000_000_000_000+i*7) }},
	{"UUIDs", func(r *rand.Rand, i int) string {
		return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", r.Uint32(), r.IntN(1<<16), 0x4000+r.IntN(1<<12), 0x8000+r.IntN(1<<14), r.Uint64()>>16)
	}},
	{"UUIDs of decimal digits", func(r *rand.Rand, i int) string {
		return fmt.Sprintf("%08d-%04d-4%03d-8%03d-%012d", r.IntN(1e8), r.IntN(1e4), r.IntN(1e3), r.IntN(1e3), r.Int64N(1e12))
	}},
	{"acquirer reference numbers", func(r *rand.Rand, i int) string {
		return fmt.Sprintf("7%06d%04d%011d%d", r.IntN(1e6), r.IntN(1e4), r.Int64N(1e11), r.IntN(10))
	}},
	{"Unix milliseconds", func(r *rand.Rand, i int) string { return strconv.FormatInt(1_767_225_600_000+r.Int64N(1e10), 10) }},
	{"Unix microseconds", func(r *rand.Rand, i int) string {
		return strconv.FormatInt(1_767_225_600_000_000+r.Int64N(1e13), 10)
	}},
	{"times of 14 digits", func(r *rand.Rand, i int) string {
		return fmt.Sprintf("2026%02d%02d%02d%02d%02d", 1+r.IntN(12), 1+r.IntN(28), r.IntN(24), r.IntN(60), r.IntN(60))
	}},
	{"IBANs", func(r *rand.Rand, i int) string { return fmt.Sprintf("DE%02d%018d", 2+r.IntN(97), r.Int64N(1e18)) }},
	{"IBANs in groups", func(r *rand.Rand, i int) string {
		return grouped(fmt.Sprintf("DE%02d%018d", 2+r.IntN(97), r.Int64N(1e18)), []int{4, 4, 4, 4, 4}, " ")
	}},
	{"16 random digits", func(r *rand.Rand, i int) string { return fmt.Sprintf("%016d", r.Int64N(1e16)) }},
	{"16 random digits behind a 4", func(r *rand.Rand, i int) string { return fmt.Sprintf("4%015d", r.Int64N(1e15)) }},
	{"13 to 19 random digits", func(r *rand.Rand, i int) string {
		s := fmt.Sprintf("%018d%d", r.Int64N(1e18), r.IntN(10))
		return s[:13+r.IntN(7)]
	}},
	{"20 random digits", func(r *rand.Rand, i int) string { return fmt.Sprintf("%d%019d", 1+r.IntN(9), r.Int64N(1e18)) }},
	{"numbers in hashes", func(r *rand.Rand, i int) string { return fmt.Sprintf("%016x%016x", r.Uint64(), r.Uint64()) }},
	{"masked cards", func(r *rand.Rand, i int) string { n := generate(r, 16); return n[:6] + "******" + n[12:] }},
	{"amounts", func(r *rand.Rand, i int) string {
		return fmt.Sprintf("%d.%02d", 1_000_000_000_000+r.Int64N(1e12), r.IntN(100))
	}},
	{"telephones", func(r *rand.Rand, i int) string {
		return fmt.Sprintf("+49 %d %d %d", 151, 1000+r.IntN(9000), 1000+r.IntN(9000))
	}},
}

// TestReferencesAreNotBlocked: of a thousand files of random references no
// column is taken for one of card numbers.
func TestReferencesAreNotBlocked(t *testing.T) {
	files := 1000
	if testing.Short() {
		files = 50
	}
	r := rand.New(rand.NewPCG(3, 16))
	for file := range files {
		rows := 20 + r.IntN(400)
		for _, ref := range references {
			var tally cardnumber.Tally
			for i := range rows {
				tally.Look(ref.make(r, i))
			}
			if tally.IsCards(ref.name) {
				t.Errorf("file %d: %s: %d of %d pass", file, ref.name, tally.Cards, tally.Candidates)
			}
			// Many that pass by chance are references still, in all but a few files.
			if file < 100 && tally.Candidates >= 20 && !tally.IsReferences() && !strings.Contains(ref.name, "group") {
				t.Logf("file %d: %s: %d of %d pass, and are doubted", file, ref.name, tally.Cards, tally.Candidates)
			}
		}
	}
}

// TestColumns: what a column is, by what its cells are.
func TestColumns(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	random := references[10].make
	for _, tt := range []struct {
		name                string
		cards, others, same int
		header              string
		isCards, isRefs     bool
	}{
		{"all cards", 100, 0, 0, "x", true, false},
		{"five", 5, 0, 0, "x", true, false},
		{"four", 4, 0, 0, "x", false, false},
		{"one, by its header", 1, 0, 0, "Card Number", true, false},
		{"half", 50, 50, 0, "x", true, false},
		{"a third", 30, 60, 0, "x", false, false},
		{"one card often", 0, 0, 100, "x", false, false},
		{"references", 0, 200, 0, "x", false, true},
		{"few references of one length", 0, 6, 0, "x", false, true},
		{"four are too few", 0, 4, 0, "x", false, false},
		{"a card among few", 1, 5, 0, "x", false, true},
		{"cards among few", 3, 6, 0, "x", false, false},
		{"empty", 0, 0, 0, "Card Number", false, false},
	} {
		var tally cardnumber.Tally
		for range tt.cards {
			tally.Look(generate(r, 16))
		}
		for i := range tt.others {
			tally.Look(random(r, i))
			tally.Look("EUR 10.50") // which is no candidate
		}
		for range tt.same {
			tally.Look("4242424242424242")
		}
		if tally.IsCards(tt.header) != tt.isCards || tally.IsReferences() != tt.isRefs {
			t.Errorf("%s: cards %v, references %v: %d of %d", tt.name, tally.IsCards(tt.header), tally.IsReferences(), tally.Cards, tally.Candidates)
		}
	}
}

var cells = map[string]string{
	"short": "10.50", "date": "2026-01-06 08:00:30", "reference": "psp_8815658961765250", "text": "Order number 1234 of March, paid by card",
	"uuid": "550e8400-e29b-41d4-a716-446655440000", "card": "4242 4242 4242 4242",
}

func BenchmarkContains(b *testing.B) {
	for name, cell := range cells {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				cardnumber.Contains(cell)
			}
		})
	}
}

// TestNoAllocation: what is no card number costs no memory.
func TestNoAllocation(t *testing.T) {
	for name, cell := range cells {
		if n := testing.AllocsPerRun(100, func() { cardnumber.Contains(cell) }); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
