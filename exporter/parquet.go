package exporter

import (
	"fmt"
	"io"
	"strings"

	"github.com/parquet-go/parquet-go"

	"github.com/payrec/payrec/record"
)

// Amounts in Parquet are DECIMAL(18,6): every currency's minor unit, and the
// fractions of it that processors charge, are exact up to 12 digits before the
// point, which is what the API takes.
const (
	parquetScale     = 6
	parquetPrecision = 18
)

// parquetBatch is how many rows are written at once.
const parquetBatch = 1000

// WriteParquet writes one row per payment as Apache Parquet: amounts as exact
// decimals in major units, moments as UTC timestamps (so the twin columns in
// the period's zone are left out), everything else as text. What a payment does
// not have is null. Columns stand in the order of their names.
func (d *Dataset) WriteParquet(w io.Writer) error {
	return writeParquet(w, d.paymentsGrid(nil), orPayrec(d.options.Generator))
}

// WriteAttemptsParquet writes one row per attempt.
func (d *Dataset) WriteAttemptsParquet(w io.Writer) error {
	return writeParquet(w, d.attemptsGrid(), orPayrec(d.options.Generator))
}

// parquetNode is the type of a column; nil for one that is left out.
func parquetNode(c column) parquet.Node {
	var node parquet.Node
	switch {
	case c.zone != nil && strings.HasSuffix(c.name, ")"):
		return nil
	case c.zone != nil:
		node = parquet.Timestamp(parquet.Millisecond)
	case c.totalIn != "":
		node = parquet.Decimal(parquetScale, parquetPrecision, parquet.Int64Type)
	case c.name == "livemode":
		node = parquet.Leaf(parquet.BooleanType)
	case c.name == "attempt":
		node = parquet.Int(64)
	default:
		node = parquet.String()
	}
	return parquet.Compressed(parquet.Optional(node), &parquet.Zstd)
}

func writeParquet(w io.Writer, g grid, generator string) error {
	group := parquet.Group{}
	for _, c := range g.columns {
		if node := parquetNode(c); node != nil {
			group[c.name] = node
		}
	}
	schema := parquet.NewSchema(strings.ToLower(g.name), group)
	at := make([]int, len(g.columns)) // place in the schema, or -1
	for i, c := range g.columns {
		at[i] = -1
		if leaf, ok := schema.Lookup(c.name); ok && group[c.name] != nil {
			at[i] = leaf.ColumnIndex
		}
	}
	config, err := parquet.NewWriterConfig(schema, parquet.CreatedBy(generator, "", ""))
	if err != nil {
		return err
	}
	out := parquet.NewWriter(w, config)
	batch := make([]parquet.Row, 0, parquetBatch)
	flush := func() error {
		_, err := out.WriteRows(batch)
		batch = batch[:0]
		return err
	}
	for row, err := range g.rows {
		if err != nil {
			return err
		}
		values := make(parquet.Row, len(group))
		for i, c := range row {
			if at[i] < 0 {
				continue
			}
			v, err := parquetValue(c, g.columns[i])
			if err != nil {
				return err
			}
			defined := 1
			if v.IsNull() {
				defined = 0
			}
			values[at[i]] = v.Level(0, defined, at[i])
		}
		if batch = append(batch, values); len(batch) == parquetBatch {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := flush(); err != nil {
		return err
	}
	return out.Close()
}

func parquetValue(c cell, col column) (parquet.Value, error) {
	switch {
	case col.zone != nil && c.kind == kindMoment:
		return parquet.Int64Value(c.at.UnixMilli()), nil
	case col.totalIn != "" && c.kind == kindMoney:
		return parquetDecimal(c.money)
	case col.zone != nil, col.totalIn != "", c.kind == kindEmpty:
		// An amount in another currency than its line's is noted as damaged.
		return parquet.NullValue(), nil
	case c.kind == kindBool:
		return parquet.BooleanValue(c.n != 0), nil
	case c.kind == kindNumber && col.name == "attempt":
		return parquet.Int64Value(c.n), nil
	case c.kind == kindNumber:
		return parquet.ByteArrayValue(fmt.Append(nil, c.n)), nil
	}
	return parquet.ByteArrayValue([]byte(strings.ToValidUTF8(c.text, "\uFFFD"))), nil
}

// parquetDecimal is an amount as DECIMAL(18,6) counts it, or an error: nothing
// is rounded.
func parquetDecimal(m record.Money) (parquet.Value, error) {
	d := m.Amount.Trim(0)
	coef, scale := d.Coef(), d.Scale()
	for ; scale < parquetScale && coef < 1e18; scale++ {
		coef *= 10
	}
	if scale != parquetScale || coef >= 1e18 {
		return parquet.Value{}, fmt.Errorf("%s does not fit a Parquet decimal of %d digits, %d of them decimals; export it as CSV or JSON Lines", m, parquetPrecision, parquetScale)
	}
	v := int64(coef)
	if d.IsNeg() {
		v = -v
	}
	return parquet.Int64Value(v), nil
}
