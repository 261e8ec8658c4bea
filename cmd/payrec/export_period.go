package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/payrec/payrec/exporter"
)

// periodFlags choose payments by date.
type periodFlags struct {
	month    string
	from, to string
	zone     string
	by       string
}

// add adds the flags; payments says whose dates they are about, by the dates
// that count.
func (f *periodFlags) add(cmd *cobra.Command, payments, by string) {
	flags := cmd.Flags()
	flags.StringVar(&f.month, "month", "", payments+" of the month `YYYY-MM`")
	flags.StringVar(&f.from, "from", "", payments+" from this `DATE` on (YYYY-MM-DD)")
	flags.StringVar(&f.to, "to", "", payments+" before this `DATE` (YYYY-MM-DD)")
	flags.StringVar(&f.zone, "zone", "", "the time `ZONE` of periods and dates, such as Europe/Berlin (default UTC)")
	flags.StringVar(&f.by, "by", "paid", "the `DATE` that counts: paid (as stamped by payrec)"+by)
}

// period reads the flags that choose payments by date.
func (f *periodFlags) period(zone string) (exporter.Period, error) {
	p := exporter.Period{By: f.by}
	switch f.by {
	case exporter.ByPaid, exporter.ByReported, exporter.BySettled, exporter.ByRefunded:
	default:
		return p, usage("", "--by takes paid, reported, settled or refunded, not %q", f.by)
	}
	var err error
	if p.Zone, err = time.LoadLocation(zone); err != nil || zone == "Local" {
		return p, usage("write it like Europe/Berlin or UTC", "--zone %q is no time zone", zone)
	}
	if f.month != "" {
		if f.from != "" || f.to != "" {
			return p, usage("", "--month goes with neither --from nor --to")
		}
		if p.From, err = time.ParseInLocation("2006-01", f.month, p.Zone); err != nil {
			return p, usage("write it like 2026-06", "--month %q is no month", f.month)
		}
		p.To = p.From.AddDate(0, 1, 0)
		return p, nil
	}
	for _, d := range []struct {
		name, text string
		into       *time.Time
	}{{"--from", f.from, &p.From}, {"--to", f.to, &p.To}} {
		if d.text == "" {
			continue
		}
		if *d.into, err = time.ParseInLocation(time.DateOnly, d.text, p.Zone); err != nil {
			return p, usage("write it like 2026-06-01", "%s %q is no date", d.name, d.text)
		}
	}
	if !p.From.IsZero() && !p.To.IsZero() && !p.From.Before(p.To) {
		return p, usage("the period is half-open: --to is the first day after it", "--from %s is not before --to %s", f.from, f.to)
	}
	return p, nil
}
