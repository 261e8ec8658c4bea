"""All payment records of an account as CSV, with the columns of payrec's export,
by the standard library over one connection: page after page, in the order of the
list."""
import csv
import http.client
import json
import sys
from datetime import datetime, timezone
from urllib.parse import urlsplit

DECIMALS = {"eur": 2, "usd": 2, "gbp": 2, "chf": 2, "jpy": 0, "kwd": 3}
AMOUNTS = ("amount_requested", "amount_guaranteed", "amount_refunded", "amount_failed", "amount_canceled")
COLUMNS = ("id payment_reference status paid_at_utc paid_at_from reported_at_utc currency amount guaranteed refunded failed canceled fee net fee_currency "
           "processor description customer_name customer_email reported_by livemode latest_attempt source_file source_line metadata[order] metadata[settled_on]").split()


def records(base):
    address = urlsplit(base)
    connection, query = http.client.HTTPConnection(address.hostname, address.port), "limit=100"
    while True:
        connection.request("GET", "/v1/payment_records?" + query, headers={"Authorization": "Bearer sk_test_bench"})
        page = json.load(connection.getresponse())
        yield from page["data"]
        if not page["has_more"]:
            return
        query = "limit=100&starting_after=" + page["data"][-1]["id"]


def major(units, decimals):
    """Minor units as a decimal, exactly."""
    if not decimals:
        return str(units)
    digits = str(abs(units)).rjust(decimals + 1, "0")
    return f"{'-' if units < 0 else ''}{digits[:-decimals]}.{digits[-decimals:]}"


def status(requested, guaranteed, refunded, failed, canceled):
    if refunded:
        return "refunded" if refunded >= guaranteed and guaranteed + refunded != requested - canceled else "partially_refunded"
    return "guaranteed" if guaranteed else "canceled" if canceled else "failed" if failed else "initiated"


def clock(seconds):
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M:%S")


def line(r):
    metadata, customer = r["metadata"], r["customer_details"] or {}
    amounts = [r[name]["value"] for name in AMOUNTS]
    currency = r["amount_requested"]["currency"]
    decimals = DECIMALS[currency]
    for source in ("guaranteed_at", "initiated_at", "failed_at", "canceled_at", "reported"):
        if paid := metadata.get("payrec_" + source):
            paid = paid[:10] + " " + paid[11:19]
            break
    return (
        r["id"], (r["processor_details"].get("custom") or {}).get("payment_reference"), status(*amounts), paid or clock(r["created"]), source, clock(r["created"]),
        currency.upper(), *(major(units, decimals) for units in amounts),
        metadata.get("payrec_fee"), metadata.get("payrec_net"), metadata.get("payrec_net_currency", "").upper(),
        r["payment_method_details"]["custom"]["display_name"], r["description"], customer.get("name"), customer.get("email"), r["reported_by"],
        str(r["livemode"]).lower(), r["latest_payment_attempt_record"], metadata.get("payrec_file"), metadata.get("payrec_line"),
        metadata.get("order"), metadata.get("settled_on"))


with open(sys.argv[2], "w", newline="", encoding="utf-8") as out:
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(map(line, records(sys.argv[1])))
