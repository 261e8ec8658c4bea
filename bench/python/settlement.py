"""A row of the generated file as a careful script reads it, and the call it
becomes: exact amounts with the decimals that the currency has, times in the
zone (those that the clock shows twice or never are refused), the parameters of
the API and an idempotency key. Used by check.py and send.py.

Most scripts read with csv.DictReader and strptime: "usual". One that is written
for speed takes columns by their place and reads ISO times by fromisoformat:
"fast". Both are here, so that nobody need argue which is fair."""
import csv
import hashlib
from datetime import datetime
from decimal import Decimal
from operator import itemgetter
from zoneinfo import ZoneInfo

COLUMNS = ("Transaction ID", "Original ID", "Order", "Type", "Created at", "Settled on", "Currency", "Gross", "Fee", "Net", "Country", "Batch")
DECIMALS = {"EUR": 2, "USD": 2, "GBP": 2, "CHF": 2, "SEK": 2, "NOK": 2, "DKK": 2, "PLN": 2, "CZK": 2, "JPY": 0, "KWD": 3, "BHD": 3}
ZONE = ZoneInfo("Europe/Berlin")


def usual(f):
    """Lines and cells, in the order of COLUMNS."""
    reader, pick = csv.DictReader(f), itemgetter(*COLUMNS)
    return ((reader.line_num, pick(row)) for row in reader)


def fast(f):
    """The same, without a dict for each row."""
    reader = csv.reader(f)
    pick = itemgetter(*map(next(reader).index, COLUMNS))
    return ((reader.line_num, pick(row)) for row in reader)


def minor(text, decimals):
    """An amount as an integer of minor units, exactly: minor("12.50", 2) is 1250."""
    value = Decimal(text).scaleb(decimals)
    units = int(value)
    if units != value:
        raise ValueError(f"{text!r} has more than {decimals} decimals")
    return units


def usual_time(text):
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S")


def fast_time(text):
    if len(text) != 19:  # fromisoformat takes more than this one form
        raise ValueError(f"{text!r} is not like 2026-03-01 09:30:00")
    return datetime.fromisoformat(text)


def moment(local):
    """A local time as seconds since 1970, if the clock showed it just once."""
    local = local.replace(tzinfo=ZONE)
    if local.utcoffset() != local.replace(fold=1).utcoffset():
        raise ValueError(f"the clock in {ZONE} showed {local} twice or never")
    return int(local.timestamp())


def key(call, ref):
    """The idempotency key: the same for the same payment, whatever the file."""
    return hashlib.sha256(f"bench-settlement/{call}/{ref}".encode()).hexdigest()


def stamps(cells, file, line):
    """The metadata by which a report is found in the file again."""
    return {"order": f"{cells[10]}/{cells[2]}", "settled_on": cells[5], "fee": cells[8], "net": cells[9], "file": file, "line": line}


def payment(ref, at, currency, gross, metadata):
    """The parameters of report_payment."""
    return {
        "amount_requested": {"value": gross, "currency": currency.lower()}, "initiated_at": at, "outcome": "guaranteed", "guaranteed": {"guaranteed_at": at},
        "payment_method_details": {"type": "custom", "custom": {"display_name": "Bench"}},
        "processor_details": {"type": "custom", "custom": {"payment_reference": ref}},
        "metadata": metadata,
    }


def refund(ref, at, currency, gross, metadata):
    """The parameters of report_refund."""
    return {
        "amount": {"value": gross, "currency": currency.lower()}, "outcome": "refunded", "refunded": {"refunded_at": at},
        "processor_details": {"type": "custom", "custom": {"refund_reference": ref}},
        "metadata": metadata,
    }
