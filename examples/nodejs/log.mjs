// The structured log: a line of JSON for every request and record, whether or not its span was recorded.

import { trace, TraceFlags } from '@opentelemetry/api';

// Collects an invocation's lines and writes them at once, so that lines of several instances never mix.
export class Log {
  #lines = '';

  constructor(service) {
    this.service = service;
  }

  // Adds a line about an event of the span of `context`; `parent` is the context that the span was started in.
  line(level, message, event, context, parent) {
    const line = { timestamp: new Date().toISOString(), level, service: this.service, message, ...event };
    this.#lines += `${JSON.stringify({ ...line, ...ids(context, parent) })}\n`;
  }

  // Writes what was collected.
  flush() {
    process.stdout.write(this.#lines);
    this.#lines = '';
  }
}

function ids(context, parentContext) {
  const span = context && trace.getSpanContext(context);
  if (span === undefined) {
    return {};
  }
  const parent = parentContext && trace.getSpanContext(parentContext);
  return {
    trace_id: span.traceId,
    span_id: span.spanId,
    parent_span_id: parent?.spanId ?? null,
    parent_is_remote: parent?.isRemote ?? false,
    sampled: (span.traceFlags & TraceFlags.SAMPLED) !== 0,
  };
}
