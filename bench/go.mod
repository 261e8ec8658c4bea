module github.com/payrec/payrec/bench

go 1.26.0

require (
	github.com/gocarina/gocsv v0.0.0-20240520201108-78e41c74b4b1
	github.com/payrec/payrec v0.0.0
	github.com/stripe/stripe-go/v85 v85.0.0
	github.com/xuri/excelize/v2 v2.11.0
	golang.org/x/sync v0.24.0
)

require github.com/klauspost/compress v1.20.3 // indirect

replace github.com/payrec/payrec => ../

require (
	github.com/richardlehane/mscfb v1.0.7 // indirect
	github.com/richardlehane/msoleps v1.0.6 // indirect
	github.com/tiendc/go-deepcopy v1.7.2 // indirect
	github.com/xuri/efp v0.0.1 // indirect
	github.com/xuri/nfp v0.0.2-0.20250530014748-2ddeb826f9a9 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/net v0.61.0 // indirect
	golang.org/x/text v0.43.0 // indirect
)
