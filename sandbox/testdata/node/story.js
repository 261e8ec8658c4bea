// The guide's story, told by the official client of npm, unmodified: report a
// payment, fail it, retry it on another processor, guarantee it, refund it in
// parts, page all attempts and all records.
//
//   payrec sandbox --limits none &
//   npm install stripe
//   node story.js http://127.0.0.1:12111
'use strict';
const assert = require('node:assert');
const Stripe = require('stripe');

const base = new URL(process.argv[2]);
const stripe = new Stripe('sk_test_story', {
  protocol: 'http', host: base.hostname, port: base.port, telemetry: false, maxNetworkRetries: 2,
});

async function main() {
  const now = Math.floor(Date.now() / 1000);
  let record = await stripe.paymentRecords.reportPayment({
    amount_requested: {value: 1000, currency: 'usd'},
    initiated_at: now,
    customer_details: {email: 'jenny.rosen@example.com'},
    metadata: {order: '6735'},
    payment_method_details: {type: 'custom', custom: {display_name: 'Adyen'}},
    processor_details: {type: 'custom', custom: {payment_reference: '8815658961765250'}},
  }, {idempotencyKey: 'story-1'});
  assert.equal(record.object, 'payment_record');
  assert.equal(record.amount_requested.value, 1000);
  const id = record.id, first = record.latest_payment_attempt_record;

  record = await stripe.paymentRecords.reportPaymentAttemptFailed(id, {failed_at: now + 1});
  assert.equal(record.amount_failed.value, 1000);

  // On another processor.
  record = await stripe.paymentRecords.reportPaymentAttempt(id, {
    initiated_at: now + 2,
    payment_method_details: {type: 'custom', custom: {display_name: 'Worldpay'}},
  });
  const second = record.latest_payment_attempt_record;
  assert.notEqual(second, first);
  assert.equal(record.payment_method_details.custom.display_name, 'Worldpay');

  record = await stripe.paymentRecords.reportPaymentAttemptGuaranteed(id, {guaranteed_at: now + 3});
  assert.equal(record.amount_guaranteed.value, 1000);

  for (const [reference, value] of [['rf-1', 300], ['rf-2', 700]]) {
    record = await stripe.paymentRecords.reportRefund(id, {
      outcome: 'refunded',
      amount: {value, currency: 'usd'},
      refunded: {refunded_at: now + 4},
      processor_details: {type: 'custom', custom: {refund_reference: reference}},
    });
  }
  assert.equal(record.amount_refunded.value, 1000);

  await assert.rejects(stripe.paymentRecords.reportRefund(id, {
    outcome: 'refunded',
    amount: {value: 1, currency: 'usd'},
    processor_details: {type: 'custom', custom: {refund_reference: 'rf-3'}},
  }), err => err instanceof Stripe.errors.StripeInvalidRequestError && err.statusCode === 400 && Boolean(err.requestId));

  const attempts = [];
  for await (const attempt of stripe.paymentAttemptRecords.list({payment_record: id, limit: 1})) attempts.push(attempt.id);
  assert.deepEqual(attempts, [second, first]);
  const attempt = await stripe.paymentAttemptRecords.retrieve(first);
  assert.equal(attempt.amount_failed.value, 1000);

  // This client's version of the API knows payments that were canceled.
  const canceled = await stripe.paymentRecords.reportPayment({
    amount_requested: {value: 500, currency: 'eur'}, initiated_at: now, outcome: 'canceled', canceled: {canceled_at: now},
    payment_method_details: {type: 'custom', custom: {display_name: 'Adyen'}},
  });
  assert.equal(canceled.amount_canceled.value, 500);

  const records = [];
  for await (const r of stripe.paymentRecords.list({limit: 1})) records.push(r.id);
  assert.deepEqual(records, [canceled.id, id]);

  await assert.rejects(stripe.paymentRecords.retrieve('pr_none'),
    err => err.statusCode === 404 && err.code === 'resource_missing');
  console.log('told by', Stripe.PACKAGE_VERSION || stripe.getConstant?.('PACKAGE_VERSION') || 'stripe-node');
}

main().catch(err => { console.error(err); process.exit(1); });
