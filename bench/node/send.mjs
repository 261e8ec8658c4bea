// The official SDK as documented, with csv-parse's stream and N workers.
import { createReadStream } from 'node:fs'
import { parse } from 'csv-parse'
import Stripe from 'stripe'

const [base, file, inFlight] = process.argv.slice(2)
const url = new URL(base)
const stripe = new Stripe('sk_test_bench', {
  host: url.hostname, port: url.port, protocol: 'http', telemetry: false, maxNetworkRetries: 0,
  httpAgent: new (await import('node:http')).Agent({ keepAlive: true, maxSockets: Number(inFlight) }),
})

const minor = (text) => {
  const m = /^(-?)(\d+)\.(\d{2})$/.exec(text)
  if (!m) throw new Error(`not an amount: ${text}`)
  return Number(m[1] + m[2] + m[3])
}
const seconds = (text) => Date.parse(text.replace(' ', 'T') + '+01:00') / 1000

let sent = 0
const rows = createReadStream(file).pipe(parse({ columns: true }))
const next = rows[Symbol.asyncIterator]()
const worker = async () => {
  for (;;) {
    const { value: row, done } = await next.next()
    if (done) return
    const at = seconds(row['Created at'])
    const record = await stripe.paymentRecords.reportPayment({
      amount_requested: { value: minor(row.Gross), currency: row.Currency.toLowerCase() },
      initiated_at: at,
      outcome: 'guaranteed',
      guaranteed: { guaranteed_at: at },
      payment_method_details: { type: 'custom', custom: { display_name: 'Bench' } },
      processor_details: { type: 'custom', custom: { payment_reference: row['Transaction ID'] } },
      metadata: { order: `${row.Country}/${row.Order}`, settled_on: row['Settled on'] },
    }, { idempotencyKey: row['Transaction ID'] })
    if (!record.id) throw new Error('no id')
    sent++
  }
}
await Promise.all(Array.from({ length: Number(inFlight) }, worker))
console.log(`${sent} sent`)
