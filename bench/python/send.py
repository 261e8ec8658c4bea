"""The file sent with the standard library only and a pool of threads."""
import csv
import http.client
import sys
import threading
import queue
from datetime import datetime
from urllib.parse import urlencode, urlsplit
from zoneinfo import ZoneInfo

base, file, in_flight = sys.argv[1], sys.argv[2], int(sys.argv[3])
zone, address = ZoneInfo("Europe/Berlin"), urlsplit(base)
rows = queue.Queue(maxsize=4 * in_flight)


def work():
    connection = http.client.HTTPConnection(address.hostname, address.port)
    while (row := rows.get()) is not None:
        at = int(datetime.strptime(row["Created at"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=zone).timestamp())
        body = urlencode({
            "amount_requested[value]": row["Gross"].replace(".", ""), "amount_requested[currency]": row["Currency"].lower(),
            "initiated_at": at, "outcome": "guaranteed", "guaranteed[guaranteed_at]": at,
            "payment_method_details[type]": "custom", "payment_method_details[custom][display_name]": "Bench",
            "processor_details[type]": "custom", "processor_details[custom][payment_reference]": row["Transaction ID"],
            "metadata[order]": row["Country"] + "/" + row["Order"], "metadata[settled_on]": row["Settled on"],
        })
        connection.request("POST", "/v1/payment_records/report_payment", body, {
            "Authorization": "Bearer sk_test_bench", "Content-Type": "application/x-www-form-urlencoded", "Idempotency-Key": row["Transaction ID"]})
        answer = connection.getresponse()
        if answer.status != 200 or b'"id"' not in answer.read():
            raise SystemExit(answer.status)


threads = [threading.Thread(target=work) for _ in range(in_flight)]
for thread in threads:
    thread.start()
with open(file, newline="", encoding="utf-8") as f:
    for row in csv.DictReader(f):
        rows.put(row)
for _ in threads:
    rows.put(None)
for thread in threads:
    thread.join()
