package main

import (
	"encoding/json"
	"io"

	"github.com/payrec/payrec/internal/stripeapi"
)

// writeJSON prints one indented JSON object, without any API key that a file or
// a server put into it.
func writeJSON(w io.Writer, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, stripeapi.ScrubKeys(string(text))+"\n")
	return err
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
