// Package table turns files into rows and rows into files. It knows delimiters,
// encodings, containers, workbooks and places; what a row means is not its
// business, and it imports nothing else of payrec.
//
// Terms:
//
//   - A [Dialect] says how a file is written: its format, encoding, delimiter,
//     where its header stands and where its body ends. Nothing is guessed: a
//     file that is visibly something else is refused with what it is.
//   - A [Row] is one record of the file. Every physical line of a text file and
//     every row element of a sheet comes out in exactly one row, in order,
//     blank ones too. Nothing is merged, invented or dropped in silence.
//   - A [Role] is what the row is for: before the header, header, body, total,
//     context, ignored, after the body, or blank.
//   - A [Pos] is a place, and survives quoted line breaks and skipped lines:
//     "march.csv:118", "march.xlsx:Sheet1:118".
//   - [Columns] are a header in force. A later header row replaces it.
//   - A framed file ([Records]) tells its kinds of row apart by one cell, the
//     discriminator; the [Row.Kind]. Kinds without a header row can have a
//     layout, which names their cells.
//   - Stacked tables ([Table]) stand below one another, each with its own header,
//     by whose names it is found; they may repeat.
//   - A heading is a row between others that says something about those below.
//
// # Two kinds of error
//
// What is wrong with one row alone (a cell too many, text after a closing quote,
// bytes that are not in the encoding, an unknown kind) is Row.Err, and reading
// goes on. What makes the rest unreadable (a quote that never closes, a damaged
// archive, a limit) comes from [Reader.Next], is final, and is reported again
// by every later call. Both are *[Error].
//
// # How a text file is read
//
// The scanner is our own, because encoding/csv drops blank lines, turns CRLF
// inside quotes into LF, reads a file of lone CRs as one record, keeps a byte
// order mark in the first header, and either refuses the `"id"<TAB>,` of some
// statements or swallows the fields after it. Its rules are RFC 4180's and these:
//
//   - The first line end outside quotes decides. If it is LF or CRLF, a lone CR
//     is text; if it is a lone CR, then CR, LF and CRLF each end a line.
//     Line breaks inside quotes are kept as they are.
//   - A quote opens only as the first character of a cell; elsewhere it is text.
//     Spaces and tabs between a closing quote and the delimiter are dropped;
//     anything else there is the row's error.
//   - Cells are neither trimmed nor typed.
//
// A line without a quote is found with a vectorised search, and cut in one pass.
// A row's cells are substrings of one string, which shares a block of 4 KiB with
// the rows around it.
//
// # How a workbook is read
//
// The sheet streams through archive/zip and a tokenizer of our own, which leaves
// whatever is unusual to encoding/xml, token by token; only the shared strings
// are held. A row costs one allocation: its own texts are substrings of one
// string. Numbers come out as a spreadsheet shows them, 15 significant digits
// without exponent, by decimal arithmetic on their text: there are no floats
// here. Dates stay serial numbers. Of a formula the cached value is taken;
// nothing is evaluated. [Limits] hold before anything is unpacked.
//
// # How files are written
//
// [Writer] writes what the scanner reads back cell for cell. [Guard] makes a
// cell harmless to spreadsheets and [Unguard] undoes it exactly. [WriteFile]
// leaves the whole file or the old one.
package table
