// Which formats a function reads and writes: OTEL_PROPAGATORS, or BATON_EXTRACT and BATON_INJECT for one direction.

import { ROOT_CONTEXT, propagation } from '@opentelemetry/api';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import { AWSXRAY_TRACE_ID_HEADER, AWSXRayPropagator } from '@opentelemetry/propagator-aws-xray';
import { B3InjectEncoding, B3Propagator } from '@opentelemetry/propagator-b3';
import { JaegerPropagator } from '@opentelemetry/propagator-jaeger';

// What npm has of OpenTelemetry's list. The B3 propagator reads both of its encodings, whichever it writes.
const PROPAGATORS = {
  baggage: () => new W3CBaggagePropagator(),
  b3: () => new B3Propagator({ injectEncoding: B3InjectEncoding.SINGLE_HEADER }),
  b3multi: () => new B3Propagator({ injectEncoding: B3InjectEncoding.MULTI_HEADER }),
  jaeger: () => new JaegerPropagator(),
  tracecontext: () => new W3CTraceContextPropagator(),
  xray: () => new AWSXRayPropagator(),
};

// Choices of baton's own functions that OpenTelemetry for JavaScript does not have.
const FIXED = {
  BATON_CONSUMER_RELATION: 'parent',
  BATON_EXTRACT_SELECT: 'last',
  BATON_ON_CONFLICT: 'keep',
};

function variable(name) {
  return process.env[name]?.trim() || undefined;
}

function mode(direction) {
  const name = variable(direction) ? direction : 'OTEL_PROPAGATORS';
  const list = (variable(name) ?? 'tracecontext,baggage').split(',').map((format) => format.trim());
  const formats = list.filter((format) => format !== 'none');
  const unknown = formats.find((format) => !Object.hasOwn(PROPAGATORS, format));
  if (unknown !== undefined) {
    const accepted = Object.keys(PROPAGATORS).sort().join(', ');
    throw new Error(`${name}: no propagator for ${JSON.stringify(unknown)}; accepted are ${accepted} and none`);
  }
  return { formats, propagator: new CompositePropagator({ propagators: formats.map((format) => PROPAGATORS[format]()) }) };
}

for (const [name, only] of Object.entries(FIXED)) {
  if ((variable(name) ?? only) !== only) {
    throw new Error(`${name}=${variable(name)}: this function has ${only} only`);
  }
}

const extraction = mode('BATON_EXTRACT');
const injection = mode('BATON_INJECT');

// Headers come in any case and may come several times; propagators ask in lower case.
const getter = {
  keys: (headers) => Object.keys(headers).map((name) => name.toLowerCase()),
  get(headers, key) {
    const values = Object.entries(headers)
      .filter(([name]) => name.toLowerCase() === key.toLowerCase())
      .flatMap(([, value]) => value);
    return values.length > 1 ? values : values[0];
  },
};
const setter = {
  set(headers, name, value) {
    headers[name.toLowerCase()] = value;
  },
};

// The context that a record's headers bring.
export function extract(headers) {
  return extraction.propagator.extract(ROOT_CONTEXT, headers, getter);
}

// The context that a request's headers bring. Under BATON_XRAY_SOURCE=environment what Lambda gives to the invocation
// takes the place of X-Ray's header.
export function extractRequest(headers) {
  if (variable('BATON_XRAY_SOURCE') !== 'environment') {
    return extract(headers);
  }
  const others = Object.entries(headers).filter(([name]) => name.toLowerCase() !== AWSXRAY_TRACE_ID_HEADER);
  return extract({ ...Object.fromEntries(others), [AWSXRAY_TRACE_ID_HEADER]: process.env._X_AMZN_TRACE_ID });
}

// The headers that carry the context; undefined in the mode none.
export function inject(context) {
  if (injection.formats.length === 0) {
    return undefined;
  }
  const headers = {};
  injection.propagator.inject(context, headers, setter);
  return headers;
}

const debugReader = PROPAGATORS.b3multi();

// What comes, or goes, with a context and has no place among a span's ids: B3's debug state, which only its propagator can
// see, and the number of baggage entries.
export function contextAttributes(context) {
  const attributes = {};
  const headers = {};
  debugReader.inject(context, headers, setter);
  if (headers['x-b3-flags'] === '1') {
    attributes['baton.context.debug'] = true;
  }
  const entries = propagation.getBaggage(context)?.getAllEntries().length ?? 0;
  if (entries > 0) {
    attributes['baton.baggage.entries'] = entries;
  }
  return attributes;
}
