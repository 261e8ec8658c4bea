package main

import "github.com/payrec/payrec/exporter"

// paged is the account, read page by page.
func (a *app) paged(f *importFlags, t *target, bar *progress) exporter.Source {
	return source{t.client}
}
