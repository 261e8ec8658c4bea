package main

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
)

// columns are the header of the generated file: 20 of them, of which the
// mapping types 12.
var columns = []string{
	"Transaction ID", "Original ID", "Order", "Type", "Created at", "Settled on", "Currency", "Gross", "Fee", "Net",
	"Country", "Batch", "Merchant", "Store", "Terminal", "Method", "Variant", "Shopper", "Rate", "Note",
}

// generate writes a settlement file of so many rows unless it is there. The
// same number gives the same bytes. Of a hundred rows, 92 are payments, 5 are
// refunds of earlier ones, 2 are fees and 1 is a chargeback; with payments
// only, all are payments.
func generate(dir string, rows int, paymentsOnly bool) (path string, size int64, err error) {
	kind := "mixed"
	if paymentsOnly {
		kind = "payments"
	}
	path = filepath.Join(dir, fmt.Sprintf("settlement-%s-%d.csv", kind, rows))
	if info, err := os.Stat(path); err == nil {
		return path, info.Size(), nil
	}
	f, err := os.Create(path + ".part")
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	buffer := bufio.NewWriterSize(f, 1<<20)
	w := csv.NewWriter(buffer)
	if err := w.Write(columns); err != nil {
		return "", 0, err
	}
	for i := range rows {
		if err := w.Write(row(i, paymentsOnly)); err != nil {
			return "", 0, err
		}
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return "", 0, err
	}
	if err := buffer.Flush(); err != nil {
		return "", 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return "", 0, err
	}
	return path, info.Size(), os.Rename(path+".part", path)
}

// row is the i-th row. Rows of a hundred share nothing but their batch, which
// has 5,000 rows; a refund is of the payment fifty rows before it.
func row(i int, paymentsOnly bool) []string {
	kind, of, gross, fee := "Payment", "", int64(500+i*7919%99_500), int64(0)
	fee = gross*14/1000 + 25
	if !paymentsOnly {
		switch n := i % 100; {
		case n >= 60 && n < 65:
			paid := int64(500 + (i-50)*7919%99_500)
			kind, of, gross, fee = "Refund", id(i-50), -paid, 0
		case n == 97 || n == 98:
			kind, gross, fee = "Fee", 0, 100
		case n == 99:
			kind, gross, fee = "Chargeback", -gross, 1500
		}
	}
	return []string{
		id(i), of, fmt.Sprintf("ORD-%07d", i), kind,
		fmt.Sprintf("2026-03-%02d %02d:%02d:%02d", 1+i/40_000%25, i/3600%24, i/60%60, i%60),
		fmt.Sprintf("2026-03-%02d", 3+i/40_000%25),
		[]string{"EUR", "EUR", "EUR", "EUR"}[i%4], major(gross), major(fee), major(gross - fee),
		[]string{"DE", "FR", "AT", "NL", "ES"}[i%5], fmt.Sprintf("B%06d", i/5000),
		"Example GmbH", []string{"Berlin Mitte", "Hamburg", "Online"}[i%3], fmt.Sprintf("T%04d", i%64),
		"card", []string{"visa", "mastercard"}[i%2], fmt.Sprintf("SH%08d", i*31%10_000_000), "1.000000", "",
	}
}

func id(i int) string { return fmt.Sprintf("TX%012d", i) }

// major is minor units of a currency with two decimals, as files have it.
func major(minor int64) string {
	sign := ""
	if minor < 0 {
		sign, minor = "-", -minor
	}
	return fmt.Sprintf("%s%d.%02d", sign, minor/100, minor%100)
}
