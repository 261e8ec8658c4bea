package exporter

import (
	"math"
	"time"
)

// A clock tells what a clock on the wall shows. It remembers the offset of the
// last moment, because looking it up costs more than writing a cell.
type clock struct {
	zone     *time.Location
	from, to int64 // Unix seconds between which the offset holds
	offset   int64
}

// wall is a moment as the zone's wall clock shows it, in Unix seconds as if
// that were UTC.
func (c *clock) wall(t time.Time, zone *time.Location) int64 {
	seconds := t.Unix()
	if zone == time.UTC {
		return seconds
	}
	if zone != c.zone || seconds < c.from || seconds >= c.to {
		local := t.In(zone)
		_, offset := local.Zone()
		c.zone, c.offset, c.from, c.to = zone, int64(offset), math.MinInt64, math.MaxInt64
		start, end := local.ZoneBounds()
		if !start.IsZero() {
			c.from = start.Unix()
		}
		if !end.IsZero() {
			c.to = end.Unix()
		}
	}
	return seconds + c.offset
}
