"""The payments of a file sent with the standard library only, by a pool of
threads; other classes are counted and left. The first error ends it."""
import http.client
import queue
import sys
import threading
from urllib.parse import urlencode, urlsplit

from settlement import DECIMALS, key, minor, moment, payment, stamps, usual, usual_time

base, file, in_flight = sys.argv[1], sys.argv[2], int(sys.argv[3])
address = urlsplit(base)
rows = queue.Queue(maxsize=4 * in_flight)
failed = []


def form(parameters, path=""):
    """Nested parameters as the API's form has them: a[b][c]=d."""
    for name, value in parameters.items():
        name = f"{path}[{name}]" if path else name
        if isinstance(value, dict):
            yield from form(value, name)
        else:
            yield name, value


def send(connection, line, cells):
    ref, _, _, _, created, _, currency, gross, fee, net, _, _ = cells
    decimals = DECIMALS[currency]
    gross, fee, net = minor(gross, decimals), minor(fee, decimals), minor(net, decimals)
    if gross - fee != net:
        raise ValueError(f"line {line}: {gross} less {fee} is not {net}")
    parameters = payment(ref, moment(usual_time(created)), currency, gross, stamps(cells, file, line))
    connection.request("POST", "/v1/payment_records/report_payment", urlencode(list(form(parameters))), {
        "Authorization": "Bearer sk_test_bench", "Content-Type": "application/x-www-form-urlencoded", "Idempotency-Key": key("report_payment", ref)})
    answer = connection.getresponse()
    if answer.status != 200 or b'"id"' not in answer.read():
        raise ValueError(f"line {line}: status {answer.status}")


def work():
    connection = http.client.HTTPConnection(address.hostname, address.port)
    while (row := rows.get()) is not None:
        if not failed:
            try:
                send(connection, *row)
            except Exception as error:
                failed.append(error)


threads = [threading.Thread(target=work) for _ in range(in_flight)]
for thread in threads:
    thread.start()
seen, left = set(), 0
with open(file, newline="", encoding="utf-8") as f:
    for line, cells in usual(f):
        ref = cells[0].strip()
        if not ref or ref in seen:
            failed.append(ValueError(f"line {line}: {ref!r} twice"))
        seen.add(ref)
        if cells[3] == "Payment":
            rows.put((line, (ref, *cells[1:])))
        else:
            left += 1
for _ in threads:
    rows.put(None)
for thread in threads:
    thread.join()
if failed:
    sys.exit(str(failed[0]))
print(len(seen) - left, "sent,", left, "left")
