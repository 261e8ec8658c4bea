"""The checks of settlement.yaml as a careful script writes them: exact
decimals, times in a zone, ids seen twice, classes, sums."""
import csv
import sys
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

zone = ZoneInfo("Europe/Berlin")
seen, sums, batches, classes = set(), {}, {}, {}
with open(sys.argv[1], newline="", encoding="utf-8") as f:
    for row in csv.DictReader(f):
        if row["Transaction ID"] in seen:
            sys.exit(f"{row['Transaction ID']} twice")
        seen.add(row["Transaction ID"])
        kind = row["Type"]
        if kind not in ("Payment", "Refund", "Fee", "Chargeback"):
            sys.exit(f"unknown type {kind}")
        at = int(datetime.strptime(row["Created at"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=zone).timestamp())
        settled = date.fromisoformat(row["Settled on"])
        gross, fee, net = Decimal(row["Gross"]), Decimal(row["Fee"]), Decimal(row["Net"])
        amount, cost, who = abs(gross), gross - net, row["Country"] + "/" + row["Order"]
        total = sums.setdefault(row["Currency"], [Decimal(0), Decimal(0), Decimal(0)])
        total[0] += gross
        total[1] += fee
        total[2] += net
        batches[row["Batch"]] = batches.get(row["Batch"], Decimal(0)) + net
        key = (kind, row["Currency"])
        classes[key] = classes.get(key, 0) + 1
for currency, (gross, fee, net) in sums.items():
    if gross - fee != net:
        sys.exit(f"{currency}: {gross} - {fee} is not {net}")
print(classes, sum(1 for net in batches.values() if net < 0))
