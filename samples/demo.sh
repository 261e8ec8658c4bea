#!/bin/sh
# The main job against the built-in sandbox: import, import again, export.
# Usage: demo.sh PAYREC FOLDER
set -eu
payrec=$1 out=$2
samples=$(dirname "$0")

say() { printf '\n\033[1m$ payrec %s\033[0m\n' "$*"; }
run() { say "$@"; "$payrec" "$@"; }

sandbox=--sandbox=$out/sandbox.state
adyen=$samples/adyen-settlement-detail/settlement_detail_report_batch_201-203.csv
paypal=$samples/paypal-settlement/STL-20260310.01.009.CSV

run import "$adyen" -m adyen-settlement-detail "$sandbox" --out "$out"
run import "$paypal" -m paypal-settlement "$sandbox" --out "$out"
printf '\nThe same two files again: nothing may be sent twice.\n'
run import "$adyen" -m adyen-settlement-detail "$sandbox" --out "$out"
run import "$paypal" -m paypal-settlement "$sandbox" --out "$out"
run export -o "$out/payments.xlsx" --attempts all "$sandbox"
printf '\nThe workbook: %s/payments.xlsx\n' "$out"
