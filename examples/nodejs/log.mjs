// The structured log: a line of JSON for every request and record, whether or not its span was recorded.

import { trace, TraceFlags } from '@opentelemetry/api';

// On a full disk, the log has gaps, but no request fails.
process.stdout.on('error', () => {});

// Collects the lines of an invocation and writes them in one piece, so that instances never mix lines.
export class Log {
  #lines = '';

  constructor(service) {
    this.service = service;
  }

  // Adds a line about an event of the span of `context`. The span was started in the context `parent`.
  line(level, message, event, context, parent) {
    const line = { timestamp: new Date().toISOString(), level, service: this.service, message, ...event };
    this.#lines += `${JSON.stringify({ ...line, ...ids(context, parent) })}\n`;
  }

  // Writes the collected lines.
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
