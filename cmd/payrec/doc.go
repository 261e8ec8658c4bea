// Command payrec brings payments that another processor handled into Stripe's
// Payment Records API, and brings the whole history back out as the
// accountants' files.
//
//	payrec import settlement.csv -m adyen-settlement-detail --sandbox
//	payrec export -o month-end.xlsx --sandbox
//
// It promises that every row is accounted for, that nothing is reported twice,
// and that every figure can be traced back to a line of a file. The package
// comments of importer and internal/journal say how.
//
// # Exit statuses
//
//	0    all done
//	1    failed; the message says why, and the same command goes on
//	2    the command line or the mapping is wrong; nothing was sent
//	3    finished, but some rows were not imported (held, rejected or refused)
//	4    the input or a check is wrong; nothing was sent
//	5    something is in doubt: it may have been reported; run the same command again
//	130  interrupted; run the same command again to go on
//
// # The key
//
// The API key comes from the environment (STRIPE_API_KEY), from a file
// (--api-key-file) or from standard input (--api-key-file -), never from the
// command line, and is never printed.
package main
