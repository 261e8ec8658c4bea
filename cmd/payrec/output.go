package main

import (
	"encoding/json"
	"io"
)

// writeJSON prints one indented JSON object.
func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// show prints what a command came to, for people or for programs, and turns its
// status into the command's.
func (a *app) show(asJSON bool, r interface{ write(*printer) error }, status int) error {
	var err error
	if asJSON {
		err = writeJSON(a.stdout, r)
	} else {
		err = r.write(&printer{w: a.stdout})
	}
	if err == nil && status != exitOK {
		err = &failure{status: status}
	}
	return err
}
