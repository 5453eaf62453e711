// The consumer: reads a batch of records and continues the trace of each.

import { ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api';

import { Log } from './log.mjs';
import { contextAttributes, extract } from './propagation.mjs';
import { bodyAttributes, invocationAttributes, telemetry } from './telemetry.mjs';

const { serviceName, tracer, flush } = telemetry('consumer-lambda');

// Handles Lambda's Kinesis event.
export async function handler(event, invocation) {
  const log = new Log(serviceName);
  const arrivals = event.Records.map(arrival);
  const span = tracer.startSpan(
    `process ${arrivals[0]?.stream ?? ''}`,
    {
      kind: SpanKind.CONSUMER,
      attributes: {
        ...invocationAttributes(invocation, 'pubsub'),
        ...messagingAttributes(arrivals[0]),
        'messaging.batch.message_count': arrivals.length,
      },
      links: arrivals.flatMap(({ sender }) => (sender ? [{ context: sender }] : [])),
    },
    ROOT_CONTEXT,
  );
  const batch = trace.setSpan(ROOT_CONTEXT, span);
  for (const record of arrivals) {
    handle(record, batch, log);
  }
  span.end();
  await flush(log);
  return { batchItemFailures: [] };
}

function arrival({ eventID, eventSourceARN, kinesis }) {
  const data = Buffer.from(kinesis.data, 'base64');
  const { tracecontext, body } = open(data);
  const context = extract(tracecontext ?? {});
  return {
    arrived: Date.now(),
    stream: eventSourceARN.split('/').at(-1),
    shardId: eventID.split(':')[0],
    sequenceNumber: kinesis.sequenceNumber,
    size: data.length,
    tracecontext,
    body,
    context,
    sender: trace.getSpanContext(context),
  };
}

// Splits the envelope. A record without an envelope stays as it is, and may not be JSON.
function open(data) {
  let record;
  try {
    record = JSON.parse(data.toString());
  } catch {
    return {};
  }
  const isEnvelope = typeof record?.tracecontext === 'object' && record.tracecontext !== null && 'record' in record;
  return isEnvelope ? { tracecontext: record.tracecontext, body: record.record } : { body: record };
}

function messagingAttributes(record) {
  return {
    'messaging.system': 'aws_kinesis',
    'messaging.operation.type': 'process',
    'messaging.operation.name': 'process',
    'messaging.destination.name': record?.stream,
    'messaging.destination.partition.id': record?.shardId,
  };
}

// One span and one line for the record. Without a context, it stays in the trace of the invocation.
function handle(record, batch, log) {
  const parent = record.sender ? record.context : batch;
  const span = tracer.startSpan(
    'Kinesis.getRecord',
    {
      kind: SpanKind.CONSUMER,
      startTime: record.arrived,
      attributes: {
        ...messagingAttributes(record),
        'messaging.message.id': record.sequenceNumber,
        'messaging.message.envelope.size': record.size,
        ...contextAttributes(record.context),
        ...bodyAttributes(record.body),
      },
    },
    parent,
  );
  const received = {
    event: 'record.received',
    stream: record.stream,
    shard_id: record.shardId,
    sequence_number: record.sequenceNumber,
    tracecontext: record.tracecontext ?? null,
    record: record.body ?? null,
  };
  const message = `record received with${record.sender ? ' its' : 'out'} trace context`;
  log.line('INFO', message, received, trace.setSpan(parent, span), parent);
  span.end();
}
