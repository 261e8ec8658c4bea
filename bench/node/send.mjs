// The payments of a file sent with the official SDK as documented, csv-parse's
// stream and N workers; other classes are counted and left. The first error ends it.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { Agent } from 'node:http'
import { parse } from 'csv-parse'
import Stripe from 'stripe'

const [base, file, inFlight] = process.argv.slice(2)
const url = new URL(base)
const stripe = new Stripe('sk_test_bench', {
  host: url.hostname, port: url.port, protocol: 'http', telemetry: false, maxNetworkRetries: 0,
  httpAgent: new Agent({ keepAlive: true, maxSockets: Number(inFlight) }),
})

const decimals = { EUR: 2, USD: 2, GBP: 2, CHF: 2, JPY: 0, KWD: 3 }

// Text as an integer of minor units, exactly.
const minor = (text, currency) => {
  const places = decimals[currency]
  const m = /^(-?\d+)(?:\.(\d+))?$/.exec(text)
  if (places === undefined || !m || (m[2] ?? '').length > places) throw new Error(`not an amount of ${currency}: ${text}`)
  return Number(m[1] + (m[2] ?? '').padEnd(places, '0'))
}

// The zone's offset at a moment, kept for each hour: Intl is slow, and so is luxon,
// which asks it for each time.
const zone = new Intl.DateTimeFormat('en', { timeZone: 'Europe/Berlin', timeZoneName: 'longOffset' })
const offsets = new Map()
const offsetAt = (ms) => {
  const hour = Math.floor(ms / 3_600_000)
  let offset = offsets.get(hour)
  if (offset === undefined) {
    const [, sign, h, m] = /GMT([+-])(\d\d):(\d\d)$/.exec(zone.format(ms)) ?? [0, '+', 0, 0]
    offset = (sign === '-' ? -1 : 1) * (h * 60 + Number(m)) * 60_000
    offsets.set(hour, offset)
  }
  return offset
}

// A local time as seconds since 1970, if the clock showed it just once.
const moment = (text) => {
  const utc = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(text) ? Date.parse(text.replace(' ', 'T') + 'Z') : NaN
  if (Number.isNaN(utc)) throw new Error(`not a time: ${text}`)
  const [before, after] = [offsetAt(utc - 86_400_000), offsetAt(utc + 86_400_000)]
  const possible = (before === after ? [before] : [before, after]).filter((offset) => offsetAt(utc - offset) === offset)
  if (possible.length !== 1) throw new Error(`the clock showed ${text} twice or never`)
  return (utc - possible[0]) / 1000
}

const seen = new Set()
let sent = 0
let left = 0
const send = async (row, line) => {
  const id = row['Transaction ID'].trim()
  if (!id || seen.has(id)) throw new Error(`line ${line}: ${id} twice`)
  seen.add(id)
  if (row.Type !== 'Payment') {
    left++
    return
  }
  const at = moment(row['Created at'])
  const gross = minor(row.Gross, row.Currency)
  if (gross - minor(row.Fee, row.Currency) !== minor(row.Net, row.Currency)) throw new Error(`line ${line}: gross less fee is not net`)
  const record = await stripe.paymentRecords.reportPayment({
    amount_requested: { value: gross, currency: row.Currency.toLowerCase() },
    initiated_at: at,
    outcome: 'guaranteed',
    guaranteed: { guaranteed_at: at },
    payment_method_details: { type: 'custom', custom: { display_name: 'Bench' } },
    processor_details: { type: 'custom', custom: { payment_reference: id } },
    metadata: { order: `${row.Country}/${row.Order}`, settled_on: row['Settled on'], fee: row.Fee, net: row.Net, file, line },
  }, { idempotencyKey: createHash('sha256').update(`bench-settlement/report_payment/${id}`).digest('hex') })
  if (!record.id) throw new Error('no id')
  sent++
}

const rows = createReadStream(file).pipe(parse({ columns: true, info: true }))
const next = rows[Symbol.asyncIterator]()
const worker = async () => {
  for (;;) {
    const { value, done } = await next.next()
    if (done) return
    await send(value.record, value.info.lines)
  }
}
await Promise.all(Array.from({ length: Number(inFlight) }, worker))
console.log(`${sent} sent, ${left} left`)
