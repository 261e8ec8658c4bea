// All payment records of an account as CSV, with the columns of payrec's export:
// the official SDK's paging and csv-stringify, as their documentation shows them.
import { createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { stringify } from 'csv-stringify'
import Stripe from 'stripe'

const [base, file] = process.argv.slice(2)
const url = new URL(base)
const stripe = new Stripe('sk_test_bench', { host: url.hostname, port: url.port, protocol: 'http', telemetry: false, maxNetworkRetries: 0 })

const decimals = { eur: 2, usd: 2, gbp: 2, chf: 2, jpy: 0, kwd: 3 }
const columns = ('id payment_reference status paid_at_utc paid_at_from reported_at_utc currency amount guaranteed refunded failed canceled fee net fee_currency ' +
  'processor description customer_name customer_email reported_by livemode latest_attempt source_file source_line metadata[order] metadata[settled_on]').split(' ')

// Exact: the API's integers are far below 2^53, and toFixed rounds to what was divided.
const major = (units, currency) => (units / 10 ** decimals[currency]).toFixed(decimals[currency])
const clock = (date) => date.toISOString().slice(0, 19).replace('T', ' ')

const status = (requested, guaranteed, refunded, failed, canceled) => {
  if (refunded) return refunded >= guaranteed && guaranteed + refunded !== requested - canceled ? 'refunded' : 'partially_refunded'
  return guaranteed ? 'guaranteed' : canceled ? 'canceled' : failed ? 'failed' : 'initiated'
}

const line = (r) => {
  const m = r.metadata
  const amounts = [r.amount_requested, r.amount_guaranteed, r.amount_refunded, r.amount_failed, r.amount_canceled].map((a) => a.value)
  const { currency } = r.amount_requested
  const from = ['guaranteed_at', 'initiated_at', 'failed_at', 'canceled_at'].find((name) => m['payrec_' + name])
  const reported = clock(new Date(r.created * 1000))
  return [
    r.id, r.processor_details.custom?.payment_reference, status(...amounts), from ? m['payrec_' + from].slice(0, 19).replace('T', ' ') : reported, from ?? 'reported', reported,
    currency.toUpperCase(), ...amounts.map((units) => major(units, currency)), m.payrec_fee, m.payrec_net, m.payrec_net_currency?.toUpperCase(),
    r.payment_method_details.custom.display_name, r.description, r.customer_details?.name, r.customer_details?.email, r.reported_by, String(r.livemode),
    r.latest_payment_attempt_record, m.payrec_file, m.payrec_line, m.order, m.settled_on,
  ]
}

async function* lines() {
  for await (const r of stripe.paymentRecords.list({ limit: 100 })) yield line(r)
}
await pipeline(lines, stringify({ header: true, columns }), createWriteStream(file))
