package mapping

import (
	"slices"

	"github.com/payrec/payrec/record"
)

// parts are the maps of the language with all their keys, in the order of work.
// The first is the mapping itself.
func parts() []part {
	list := []part{mappingPart()}
	list = append(list, inputParts()...)
	list = append(list, valueParts()...)
	return append(list, callParts()...)
}

func mappingPart() part {
	return part{"mapping", "A mapping file: how a processor's file is read, and which calls its rows make.", []keyDoc{
		{"payrec", words(version), "the version of the language: payrec: " + version},
		{"name", ref("text"), "what the mapping is called"},
		{"title", ref("text"), "one line for people"},
		{"doc", ref("text"), "what to know before using it"},
		{"source", ref("text"), "the namespace of ids: mappings of one processor that share it share payments; otherwise the name of the mapping that is extended, or its own"},
		{"extends", ref("text"), "a mapping to take over and override key by key: preset:NAME or a file"},
		{"params", mapOf(either(ref("param"), ref("text"), schema{"type": "null"})), "what differs per account, by name; =params.NAME is its value"},
		{"identify", ref("identify"), "how a file is recognised as one of this mapping's"},
		{"input", ref("input"), "how the file is written"},
		{"columns", mapOf(either(ref("column"), ref("texts"))), "names for the columns that are used: a header, several to choose from, the number of a cell, or a map"},
		{"let", mapOf(ref("expression")), "values computed from columns, params and the lets above"},
		{"lookups", mapOf(ref("lookup")), "tables for lookup(table, key), by name"},
		{"rows", listOf(ref("rule")), "which class each row is: the first rule that matches decides; a row that none matches is an error"},
		{"latest", ref("latest"), "which of the rows that say something again counts"},
		{"total", ref("expression"), "money per row that the summary adds up per class"},
		{"payment", ref("payment"), "which rows belong to one payment, and in which order"},
		{"emit", listOf(ref("emit")), "which calls the classes make"},
		{"checks", listOf(ref("check")), "what must hold for the rows of a group or of the file"},
		{"tests", listOf(ref("test")), "rows, and what must become of them"},
	}, nil}
}

// inputParts say how a file is written.
func inputParts() []part {
	number := whole(1, 16_384)
	return []part{
		{"param", "What differs per account. A plain value is the param's default.", []keyDoc{
			{"doc", ref("text"), "what it is, for people"},
			{"required", yesNo(), "whether an import needs it to be given"},
			{"default", ref("text"), "its value when none is given"},
			{"values", ref("texts"), "the only values that it may have"},
		}, nil},
		{"identify", "How a file is recognised: by the header's columns, or else by its name.", []keyDoc{
			{"filename", ref("texts"), "patterns with * and ?, of the name without folders"},
			{"columns", ref("texts"), "headers that must all be there"},
		}, nil},
		{"input", "How the file is written. gzip, zip and zstd are seen through.", []keyDoc{
			{"format", words("csv", "xlsx"), "csv (any delimited text; when nothing is said) or xlsx"},
			{"encoding", ref("text"), "utf-8 (when nothing is said; utf-16 with a byte order mark too), windows-1252, gbk, shift_jis, …"},
			{"delimiter", ref("text"), "what separates cells: one character, or comma, semicolon, tab, pipe"},
			{"quote", ref("text"), `the quote character, or none; " when nothing is said`},
			{"decimal", ref("text"), "the mark before decimals; . when nothing is said"},
			{"thousands", ref("text"), "the mark between thousands: one character, blank or none; none when nothing is said"},
			{"empty", ref("texts"), `texts that mean an empty cell, such as "--"`},
			{"sheet", ref("text"), "of a workbook: name, number from 1, or /regular expression/; the first visible one when nothing is said"},
			{"header", either(words("none"), ref("header")), "where the names of the columns stand; the first row that is not blank when nothing is said"},
			{"strip", ref("texts"), "texts to take off every cell, such as `"},
			{"records", ref("records"), "the kinds of row of a framed file"},
			{"tables", mapOf(ref("table")), "the tables that stand below one another, by name; each has its own header, and may come again"},
			{"headings", ref("texts"), "rows between others that only say something about those below: patterns with * and ? for their first text"},
			{"duplicates", words("keep", "ignore", "error"), "rows that are equal to an earlier one in every cell: kept when nothing is said, ignored, or an error each"},
			{"context", mapOf(ref("context")), "what the file states once for all rows that follow: a name for each"},
			{"footer", either(words("blank"), ref("footer")), "where the body ends"},
			{"timezone", either(ref("text"), ref("timezone")), "the zone of times: an IANA name such as Europe/Berlin, or where each row says it"},
			{"ragged", words("error", "pad", "allow"), "a row that is not as wide as its header: an error, filled up, or taken as it is"},
		}, nil},
		{"header", "Where the names of the columns stand.", []keyDoc{
			{"row", whole(1, 1_000_000), "in this line of the file, from 1"},
			{"find", ref("texts"), "in the first row that has all these names"},
			{"within", whole(1, 100_000), "how many rows find looks at; 100 when nothing is said"},
		}, nil},
		{"footer", "Where the body ends.", []keyDoc{
			{"rows", whole(1, 1000), "before this many rows at the end"},
			{"from", ref("text"), "before the first row that begins with this text; * and ? as in file names"},
			{"blank", yesNo(), "before the first blank row"},
		}, nil},
		{"records", "The kinds of row of a framed file, told apart by the text of one cell.", []keyDoc{
			{"column", number, "the cell that tells, from 1; 1 when nothing is said"},
			{"header", ref("text"), "the kind of rows that name the columns"},
			{"body", either(ref("texts"), mapOf(either(ref("texts"), schema{"type": "null"}))), "the kinds that are mapped; as a map, each with the names of its cells where no header row has them"},
			{"totals", either(ref("texts"), mapOf(totalsLayout(number))), "the kinds that state totals, with the place of each figure: total(kind, field) in checks"},
			{"context", either(ref("texts"), mapOf(mapOf(either(number, ref("context"))))), "the kinds that lend values to the rows after them: a name and a cell for each"},
			{"ignore", ref("texts"), "the kinds that say nothing"},
		}, nil},
		{"total", "A figure of a total row.", []keyDoc{
			{"at", either(number, ref("texts")), "its cell, from 1, or in a table its header, or several to choose from"},
			{"type", words("number", "money"), "number when nothing is said"},
			{"unit", unitSchema(), "what money counts in, as of a column"},
			{"in", ref("text"), "the currency of money: a code, a field of the row, or in a table a header"},
		}, nil},
		{"table", "One of the tables of a file. It is the body unless it says totals, context or ignore.", []keyDoc{
			{"find", ref("texts"), "its header is a row that has all these names"},
			{"totals", totalsLayout(ref("texts")), "its rows state totals: a header (or several to choose from) for each figure; total(table, field) in checks"},
			{"context", mapOf(either(ref("texts"), ref("context"))), "its rows lend values to the rows after them: a name and a header for each"},
			{"ignore", ref("text"), "why its rows say nothing"},
			{"end", words("header", "blank"), "it ends with the next header when nothing is said, or with the first blank row"},
		}, nil},
		contextPart(),
		{"timezone", "The zone of the file's times.", []keyDoc{
			{"zone", ref("text"), "an IANA name such as Europe/Berlin"},
			{"from", ref("texts"), "the header of the column that names the zone of each row"},
			{"names", mapOf(ref("text")), "the zone that each label of that column stands for"},
			{"dst", words("error", "earlier", "later"), "a time that the clock shows twice or never: an error, or which of the two"},
		}, nil},
	}
}

// totalsLayout is the layout of one kind of total row: figures by name, and
// the group's key.
func totalsLayout(cell schema) schema {
	s := mapOf(either(cell, ref("total")))
	s["properties"] = schema{"key": cell.described("the cell of the group that the totals are of; without it they are of the whole file")}
	return s
}

func unitSchema() schema {
	fixed := part{keys: []keyDoc{{"fixed", whole(0, 6), "so many decimals in every currency"}}, required: []string{"fixed"}}
	return either(words("major", "minor"), fixed.schema())
}

// typeDocs are the types of columns, in the order of columnTypes.
func typeDocs() []keyDoc {
	return []keyDoc{
		{"text", nil, "text without the blanks around it"},
		{"id", nil, "text that identifies: one that a spreadsheet has spoiled (8.8E+15) is refused"},
		{"int", nil, "a whole number"},
		{"number", nil, "an exact decimal number"},
		{"money", nil, "an exact amount in a currency: needs in"},
		{"currency", nil, "a currency code, in any letter case"},
		{"date", nil, "a day: needs format and a zone"},
		{"datetime", nil, "a time: needs format, and a zone unless the text has one"},
		{"bool", nil, "true, false, yes, no, 1, 0"},
	}
}

// contextPart is a value that the file states once; its type is said as a
// column's is.
func contextPart() part {
	p := part{"context", "A value that the file states once, for all rows that follow. It has one source, and a type as a column has.", []keyDoc{
		{"from", ref("texts"), "a cell: a header of the row that row or match tells, or the number of the cell from 1"},
		{"row", either(words("first"), whole(1, 1_000_000)), "with from: the first row below the header, or the row in this line of the file"},
		{"match", mapOf(either(ref("texts"), schema{"type": "null"})), "with from: the rows that have these texts; as in a rule, by header"},
		{"right_of", ref("texts"), "the next text to the right of this label, outside the body"},
		{"below", ref("texts"), "the text under this label, outside the body"},
		{"line", ref("text"), "the first group of this regular expression (RE2), of a cell or a line outside the body"},
		{"file", ref("text"), "the first group of this regular expression (RE2), of the file's name"},
		{"sheet", ref("text"), "the first group of this regular expression (RE2), of the sheet's name"},
	}, nil}
	for _, k := range columnDocs() {
		if slices.Contains(contextKeys(), k.name) && k.name != "from" {
			p.keys = append(p.keys, k)
		}
	}
	return p
}

// columnDocs are the keys of a column.
func columnDocs() []keyDoc {
	for _, p := range valueParts() {
		if p.name == "column" {
			return p.keys
		}
	}
	return nil
}

// valueParts say what a row's values are, and which class it has.
func valueParts() []part {
	return []part{
		{"column", "A typed cell. Without a type it is text.", []keyDoc{
			{"from", ref("texts"), "the header (letter case and blanks do not count), several to choose from, or the number of the cell from 1"},
			{"time", ref("texts"), "of a datetime: the header of the cell with the time of day (16:10:51, 16:10, 4:10 PM), when the day stands in a cell of its own"},
			{"occurrence", whole(1, 1000), "which of several equal headers, from 1"},
			{"type", words(columnTypes...), "text when nothing is said"},
			{"in", ref("text"), "of money: the column with its currency, or a code"},
			{"unit", unitSchema(), "of money: major when nothing is said, minor units of its currency, or {fixed: 2} decimals in every currency"},
			{"format", ref("texts"), "of a date or datetime: strftime patterns, unix, unix_ms, iso8601, excel; tried in order"},
			{"timezone", either(ref("text"), ref("timezone")), "as of the input, for this column alone"},
			{"optional", yesNo(), "whether the header may be missing"},
			{"default", ref("text"), "the value of an empty cell, also for match"},
			{"values", ref("texts"), "the only texts that it may have"},
			{"pattern", ref("text"), "a regular expression (RE2) that the whole text must match"},
			{"strip", ref("texts"), "texts to take off at both ends, such as ` or #"},
			{"extract", ref("text"), "a regular expression (RE2); its first group is the value"},
			{"sensitive", yesNo(), "its values reach no call, journal, log or reject file; only sha256(x) may"},
			{"decimal", ref("text"), "as of the input, for this column alone"},
			{"thousands", ref("text"), "as of the input, for this column alone"},
			{"doc", ref("text"), "a note"},
		}, nil},
		{"lookup", "A table of texts: lookup(table, key).", []keyDoc{
			{"map", mapOf(ref("text")), "the entries"},
			{"file", ref("text"), "a CSV file with more of them; a relative path starts at the mapping's folder, that of a param (=params.x) where payrec runs; no entries when the param is not given"},
			{"key", ref("text"), "the file's column of keys"},
			{"value", ref("text"), "the file's column of values"},
			{"missing", words("error", "pass", "empty"), "a key that is not there: an error, the key itself, or nothing"},
			{"doc", ref("text"), "a note"},
		}, nil},
		{"rule", "A class of rows. Exactly one reason stands where it makes no call.", []keyDoc{
			{"is", ref("text"), "the class"},
			{"match", mapOf(either(ref("texts"), schema{"type": "null"})), "columns and the texts that they may have: all columns, any text; * and ?; letter case does not count"},
			{"when", ref("condition"), "a condition besides"},
			{"ignore", ref("text"), "why such rows make no call"},
			{"hold", ref("text"), "why a person must decide"},
			{"attach", ref("text"), "why such rows only lend their values to their payment"},
			{"error", ref("text"), "why such rows must not be there"},
		}, []string{"is"}},
	}
}

// callParts say which calls are made, and what must hold.
func callParts() []part {
	var calls []string
	for _, call := range record.Writes() {
		calls = append(calls, string(call))
	}
	expected := schema{"type": "object", "required": []string{"call"}, "properties": schema{"call": words(calls...)}}
	return []part{
		{"latest", "Of the rows with one key only the latest counts; the others are ignored, in checks too.", []keyDoc{
			{"on", ref("texts"), "the classes; all when nothing is said"},
			{"by", ref("expression"), "the key; a row where it is empty counts by itself"},
			{"order", ref("expression"), "which is later: a time, a number or a text; the row that stands later in the file when nothing is said, or when equal"},
		}, []string{"by"}},
		{"payment", "Which rows belong to one payment.", []keyDoc{
			{"key", ref("expression"), "rows with the same key are one payment, across rows, files and runs"},
			{"order", ref("expression"), "the order of a payment's calls: a time, a number or a text"},
			{"let", mapOf(ref("expression")), "values over all rows of a payment: =sum(x), =first(x, where), …"},
		}, nil},
		{"emit", "A call that rows of a class make.", []keyDoc{
			{"on", ref("texts"), "the classes"},
			{"per", either(words("payment"), ref("expression")), "the rows of these classes that share one call: those of a payment, or those of a payment with one value; otherwise each row makes its own"},
			{"let", mapOf(ref("expression")), "values over the rows that share the call: =sum(x), =first(x), …"},
			{"when", ref("condition"), "a condition besides; with per, over values of let and payment.let"},
			{"call", words(calls...), "the operation of the API"},
			{"id", ref("expression"), "the natural identity of the call: the same id is the same event, counted once"},
			{"needs", words(string(record.ReportPayment)), "the payment must have been reported: in this file, before, or found at Stripe; otherwise the call waits"},
			{"fee", ref("expression"), "what the processor took: for reports, exact also where it is finer than the currency's smallest coin"},
			{"net", ref("expression"), "what was paid out: for reports, as exact as the fee"},
			{"invoice", ref("expression"), "of attach_payment: the invoice that the payment pays, by its id at Stripe (in_…)"},
			{"set", schema{"type": "object"}, "the call's fields by the API's own names, and the short forms"},
		}, []string{"on", "call", "id"}},
		{"wildcard", "Columns that become metadata, under metadata as \"*\": the text that the star of the pattern stands for is the key. A pair with a value that is written out wins; sensitive columns are left out.", []keyDoc{
			{"columns", ref("text"), "a pattern of headers with one star, such as payment_metadata[*]"},
			{"drop", ref("texts"), "keys that are left out; * and ?"},
			{"mask", ref("texts"), "keys of which only the last four characters of the value are kept, if it has more than eight; * and ?"},
		}, []string{"columns"}},
		{"check", "What must hold, or nothing is sent.", []keyDoc{
			{"name", ref("text"), "what must hold, for people"},
			{"per", ref("expression"), "the group; the whole file when nothing is said"},
			{"on", ref("texts"), "the classes that count; all when nothing is said"},
			{"that", ref("condition"), "the condition, over rows: sum(net) == 0"},
			{"otherwise", words("stop", "warn"), "what a check that does not hold does: stop (nothing is sent) when nothing is said, or warn"},
		}, []string{"name", "that"}},
		{"test", "A test that stands in the mapping: rows, and what must become of them. What is not said is not looked at, but for rejects.", []keyDoc{
			{"name", ref("text"), "what it shows"},
			{"rows", listOf(mapOf(either(ref("text"), schema{"type": "null"}))), "rows by header, or by the number of the cell"},
			{"lines", ref("texts"), "or the lines of a whole file"},
			{"file", ref("text"), "the name of that file"},
			{"context", mapOf(ref("text")), "what the file of the rows states, by name"},
			{"expect", listOf(expected), "the calls in order: call, id, payment, order, fee, net and fields by path"},
			{"class", ref("texts"), "the class of each row"},
			{"held", whole(0, 1_000_000), "how many rows are held"},
			{"ignored", whole(0, 1_000_000), "how many rows are ignored"},
			{"attached", whole(0, 1_000_000), "how many rows are attached"},
			{"rejects", ref("texts"), "the code of each rejected row; none when nothing is said"},
			{"fails", ref("texts"), "the checks that fail"},
		}, nil},
	}
}
