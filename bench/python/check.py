"""What a careful script checks before it sends anything: every row typed, ids
seen twice, classes, what each row becomes, sums per class and currency, and
that the file balances. All errors are gathered, with their lines.

    python3 check.py usual|fast FILE

It does not tell card numbers from other text, knows nothing of the API's limits
of length, and keeps all ids in memory."""
import csv
import sys
from collections import Counter
from datetime import date

import settlement
from settlement import DECIMALS, key, minor, moment, payment, refund, stamps

REPORTED = {"Payment": ("report_payment", payment), "Refund": ("report_refund", refund)}
errors, seen, needed = [], {}, []
rows, nets, calls, sums = Counter(), Counter(), Counter(), Counter()
grosses, fees, totals, batches = Counter(), Counter(), Counter(), Counter()


def check(file, line, cells, time):
    """One row; a ValueError, ArithmeticError or LookupError is what is wrong with it."""
    ref, of, order, kind, created, settled, currency, gross, fee, net, country, batch = cells
    ref = ref.strip()
    if not ref:
        raise ValueError("no transaction id")
    if seen.setdefault(ref, line) != line:
        raise ValueError(f"{ref} stands in line {seen[ref]} already")
    decimals = DECIMALS[currency]
    gross, fee, net = minor(gross, decimals), minor(fee, decimals), minor(net, decimals)
    at, settled = moment(time(created)), date.fromisoformat(settled)
    if kind in REPORTED:
        call, parameters = REPORTED[kind]
        parameters = parameters(ref, at, currency, abs(gross), stamps(cells, file, line))
        parameters["idempotency_key"] = key(call, ref)
        calls[call, currency] += 1
        sums[call, currency] += abs(gross)
        if kind == "Refund":
            needed.append((line, of.strip()))
    elif kind not in ("Fee", "Chargeback"):
        raise ValueError(f"unknown type {kind!r}")
    rows[kind, currency] += 1
    nets[kind, currency] += net
    grosses[currency] += gross
    fees[currency] += fee
    totals[currency] += net
    batches[batch.strip()] += net


def main(how, path):
    read, time = (settlement.fast, settlement.fast_time) if how == "fast" else (settlement.usual, settlement.usual_time)
    with open(path, newline="", encoding="utf-8") as f:
        for line, cells in read(f):
            try:
                check(path, line, cells, time)
            except (ValueError, ArithmeticError, LookupError) as error:
                errors.append(f"{path}:{line}: {error!r}")
    errors.extend(f"{path}:{line}: {of} is refunded, but not here" for line, of in needed if of not in seen)
    errors.extend(f"{c}: {grosses[c]} less {fees[c]} is not {totals[c]}" for c in grosses if grosses[c] - fees[c] != totals[c])
    for kind, currency in rows:
        print(f"{kind:<12} {rows[kind, currency]:>9} rows  {nets[kind, currency]:>15} minor units of {currency}")
    for call, currency in calls:
        print(f"{call:<14} {calls[call, currency]:>9} calls {sums[call, currency]:>15} minor units of {currency}")
    print(f"{sum(net < 0 for net in batches.values())} of {len(batches)} batches lose money")
    for error in errors:
        print(error, file=sys.stderr)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
