// The producer: puts the body of a request and the trace context on the stream.

import { KinesisClient, PutRecordCommand } from '@aws-sdk/client-kinesis';
import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { NodeHttpHandler } from '@smithy/node-http-handler';

import { Log } from './log.mjs';
import { contextAttributes, extractRequest, inject } from './propagation.mjs';
import { bodyAttributes, invocationAttributes, telemetry } from './telemetry.mjs';

// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecord.html
const RECORD_SIZE_LIMIT = 1024 * 1024;

const stream = process.env.KINESIS_STREAM?.trim();
if (!stream) {
  throw new Error('KINESIS_STREAM has to name the stream to put records on');
}
// the SDK defaults to HTTP/2 for Kinesis, which Kinesis supports over TLS only
const kinesis = new KinesisClient({ requestHandler: new NodeHttpHandler() });
const { serviceName, tracer, flush } = telemetry('producer-lambda');

// Answers API Gateway's REST proxy event.
export async function handler(event, invocation) {
  const log = new Log(serviceName);
  const requestId = event.requestContext.requestId;
  const parent = extractRequest(event.multiValueHeaders ?? event.headers ?? {});
  const body = read(event);
  const span = tracer.startSpan(
    `${event.httpMethod} ${event.resource}`,
    {
      kind: SpanKind.SERVER,
      attributes: {
        ...invocationAttributes(invocation, 'http'),
        'http.request.method': event.httpMethod,
        'url.path': event.requestContext.path,
        'http.route': event.resource,
        'aws.request_id': requestId,
        ...contextAttributes(parent),
        ...bodyAttributes(body.value),
      },
    },
    parent,
  );
  const context = trace.setSpan(parent, span);
  const { status, message } = body.fault ?? (await produce(body.value, requestId, context, log));
  span.setAttribute('http.response.status_code', status);
  if (status >= 500) {
    span.setAttribute('error.type', String(status));
    span.setStatus({ code: SpanStatusCode.ERROR, message });
  }
  span.end();
  const level = status >= 500 ? 'ERROR' : 'INFO';
  log.line(level, message, { event: 'request', request_id: requestId, status }, context, parent);
  await flush(log);
  return { statusCode: status, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ message }) };
}

function read(event) {
  const text = event.isBase64Encoded ? Buffer.from(event.body, 'base64').toString() : event.body;
  if (!text?.trim()) {
    return { fault: { status: 400, message: 'No message body found' } };
  }
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return { fault: { status: 400, message: `The message body is not valid JSON: ${error.message}` } };
  }
}

async function produce(body, requestId, parent, log) {
  const span = tracer.startSpan(
    `send ${stream}`,
    {
      kind: SpanKind.PRODUCER,
      attributes: {
        'messaging.system': 'aws_kinesis',
        'messaging.operation.type': 'send',
        'messaging.operation.name': 'PutRecord',
        'messaging.destination.name': stream,
        ...contextAttributes(parent),
      },
    },
    parent,
  );
  const context = trace.setSpan(parent, span);
  const tracecontext = inject(context);
  const record = tracecontext === undefined ? body : { tracecontext, record: body };
  const data = Buffer.from(JSON.stringify(record));
  const size = data.length + Buffer.byteLength(requestId);
  if (size > RECORD_SIZE_LIMIT) {
    const message = `The record has ${size} bytes with its trace context and partition key; Kinesis takes at most ${RECORD_SIZE_LIMIT}`;
    span.setStatus({ code: SpanStatusCode.ERROR, message });
    span.end();
    return { status: 413, message };
  }
  span.setAttribute('messaging.message.envelope.size', data.length);
  try {
    const put = new PutRecordCommand({ StreamName: stream, PartitionKey: requestId, Data: data });
    const placed = await kinesis.send(put);
    const sent = {
      event: 'record.sent',
      request_id: requestId,
      stream,
      shard_id: placed.ShardId,
      sequence_number: placed.SequenceNumber,
      record,
    };
    span.setAttribute('messaging.message.id', placed.SequenceNumber);
    span.setAttribute('messaging.destination.partition.id', placed.ShardId);
    if (tracecontext !== undefined) {
      sent.carrier_bytes = Buffer.byteLength(JSON.stringify(tracecontext));
      span.setAttribute('baton.carrier_bytes', sent.carrier_bytes);
    }
    log.line('INFO', 'message placed in the event stream', sent, context, parent);
    return { status: 200, message: `Message placed in the Event Stream: ${stream}` };
  } catch (error) {
    const message = `Kinesis did not take the record for the stream ${stream}: ${error.message}`;
    span.setStatus({ code: SpanStatusCode.ERROR, message });
    log.line('ERROR', message, { event: 'record.refused', request_id: requestId, stream }, context, parent);
    return { status: 500, message: 'Internal server error' };
  } finally {
    span.end();
  }
}
