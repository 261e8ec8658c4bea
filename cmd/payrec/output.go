package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/payrec/payrec/internal/stripeapi"
)

// writeJSON prints one indented JSON object, without any API key that a file or
// a server put into it, and with the characters escaped that a terminal would
// obey: JSON leaves the C1 controls and those that turn the direction of writing alone.
func writeJSON(w io.Writer, v any) error {
	var text strings.Builder
	enc := json.NewEncoder(&text)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := io.WriteString(w, escapeControls(stripeapi.ScrubKeys(text.String())))
	return err
}

// escapeControls escapes such characters of a JSON text. They stand within
// strings: nothing else of JSON has any.
func escapeControls(text string) string {
	harmful := func(r rune) bool { return r >= 0x7f && (unicode.IsControl(r) || isDirection(r)) }
	if strings.IndexFunc(text, harmful) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if harmful(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
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
