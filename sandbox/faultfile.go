package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/payrec/payrec/record"
)

// faultEntry is a [Fault] as a script of faults writes it.
type faultEntry struct {
	Call      string            `json:"call" yaml:"call"`
	Path      string            `json:"path" yaml:"path"`
	Reference string            `json:"reference" yaml:"reference"`
	Nth       int               `json:"nth" yaml:"nth"`
	Times     int               `json:"times" yaml:"times"`
	Chance    float64           `json:"chance" yaml:"chance"`
	Kind      string            `json:"kind" yaml:"kind"`
	At        string            `json:"at" yaml:"at"`
	Status    int               `json:"status" yaml:"status"`
	Body      string            `json:"body" yaml:"body"`
	Header    map[string]string `json:"header" yaml:"header"`
	Save      bool              `json:"save" yaml:"save"`
	Delay     string            `json:"delay" yaml:"delay"`
}

// ParseFaults reads a script of faults: a YAML list, or JSON lines when the
// first character is {. The keys are the fields of [Fault] in lower case;
// delay is a duration ("2s"), times: -1 means every time.
func ParseFaults(script []byte) ([]Fault, error) {
	var entries []faultEntry
	if text := bytes.TrimSpace(script); len(text) > 0 && text[0] == '{' {
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		for {
			var e faultEntry
			if err := d.Decode(&e); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				return nil, fmt.Errorf("fault %d: %w", len(entries)+1, err)
			}
			entries = append(entries, e)
		}
	} else if err := yaml.UnmarshalWithOptions(script, &entries, yaml.Strict()); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("faults: %w", err)
	}
	var faults []Fault
	for i, e := range entries {
		f, err := e.fault()
		if err != nil {
			return nil, fmt.Errorf("fault %d: %w", i+1, err)
		}
		faults = append(faults, f)
	}
	return faults, nil
}

// fault checks an entry: a fault that can never strike is a mistake.
func (e faultEntry) fault() (Fault, error) {
	f := Fault{Call: e.Call, Path: e.Path, Reference: e.Reference, Nth: e.Nth, Times: e.Times, Chance: e.Chance,
		Kind: FaultKind(e.Kind), At: FaultPoint(e.At), Status: e.Status, Body: e.Body, Save: e.Save}
	if e.At == "after" {
		f.At = FaultAfter
	}
	if e.Header != nil {
		f.Header = http.Header{}
		for name, value := range e.Header {
			f.Header.Set(name, value)
		}
	}
	if e.Delay != "" {
		d, err := time.ParseDuration(e.Delay)
		if err != nil || d < 0 || d > maxLatency {
			return f, fmt.Errorf("delay %q is no duration up to 10m", short(e.Delay))
		}
		if f.Delay = d; f.Kind == "" {
			f.Kind = FaultDelay
		}
	}
	return f, f.check()
}

func (f Fault) check() error {
	kinds := []FaultKind{"", FaultStatus, FaultReset, FaultCut, FaultGarbage, FaultDelay, FaultLivemode}
	switch {
	case f.Call != "" && !slices.Contains(operations(), f.Call):
		return fmt.Errorf("call %q is none of the twelve operations; use %s", short(f.Call), strings.Join(operations(), ", "))
	case !slices.Contains(kinds, f.Kind):
		return fmt.Errorf("kind %q is none; use status, reset, cut, garbage, delay or livemode", short(string(f.Kind)))
	case f.At != FaultAfter && f.At != FaultBefore && f.At != FaultDuring:
		return fmt.Errorf("at %q is no point of time; use before, during or after", short(string(f.At)))
	case f.Status != 0 && (f.Status < 200 || f.Status > 599):
		return fmt.Errorf("status %d is not from 200 to 599", f.Status)
	case f.Nth < 0 || f.Times < -1:
		return errors.New("nth counts from 1, times from 1 or is -1 for every time")
	case !(f.Chance >= 0 && f.Chance <= 1): // NaN is no chance either
		return fmt.Errorf("chance %v is not from 0 to 1", f.Chance)
	case f.Kind == FaultDelay && f.Delay == 0 && f.Hold == nil:
		return errors.New("a delay needs its delay, such as 2s")
	}
	if _, err := path.Match(f.Path, ""); err != nil {
		return fmt.Errorf("path %q is no pattern", short(f.Path))
	}
	return nil
}

// operations are the names of the twelve.
func operations() []string {
	names := []string{opRetrieveRecord, opListRecords, opRetrieveAttempt, opListAttempts, opAttach}
	for _, call := range record.Calls() {
		names = append(names, string(call))
	}
	slices.Sort(names)
	return names
}
