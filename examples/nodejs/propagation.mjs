// The formats that a function reads and writes: OTEL_PROPAGATORS, or BATON_EXTRACT and BATON_INJECT
// for one direction.

import { ROOT_CONTEXT, propagation } from '@opentelemetry/api';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import { AWSXRAY_TRACE_ID_HEADER, AWSXRayPropagator } from '@opentelemetry/propagator-aws-xray';
import { B3InjectEncoding, B3Propagator } from '@opentelemetry/propagator-b3';
import { JaegerPropagator } from '@opentelemetry/propagator-jaeger';

// The formats for which npm has a propagator. The B3 propagator reads both encodings.
const PROPAGATORS = {
  baggage: () => new W3CBaggagePropagator(),
  b3: () => new B3Propagator({ injectEncoding: B3InjectEncoding.SINGLE_HEADER }),
  b3multi: () => new B3Propagator({ injectEncoding: B3InjectEncoding.MULTI_HEADER }),
  jaeger: () => new JaegerPropagator(),
  tracecontext: () => new W3CTraceContextPropagator(),
  xray: () => new AWSXRayPropagator(),
};

// Settings of baton's own functions that OpenTelemetry for JavaScript cannot change.
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

// Headers arrive in any case, and may repeat. Propagators look them up in lower case.
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

// The context in a record's headers.
export function extract(headers) {
  return extraction.propagator.extract(ROOT_CONTEXT, headers, getter);
}

// The context in a request's headers. With BATON_XRAY_SOURCE=environment, the tracing header that Lambda
// gives to the invocation replaces the one of the request.
export function extractRequest(headers) {
  if (variable('BATON_XRAY_SOURCE') !== 'environment') {
    return extract(headers);
  }
  const others = Object.entries(headers).filter(([name]) => name.toLowerCase() !== AWSXRAY_TRACE_ID_HEADER);
  return extract({ ...Object.fromEntries(others), [AWSXRAY_TRACE_ID_HEADER]: process.env._X_AMZN_TRACE_ID });
}

// The headers that carry the context, or undefined in the mode none.
export function inject(context) {
  if (injection.formats.length === 0) {
    return undefined;
  }
  const headers = {};
  injection.propagator.inject(context, headers, setter);
  return headers;
}

const debugReader = PROPAGATORS.b3multi();

// What a context carries beside its ids: B3's debug state, which only its propagator sees, and the number
// of baggage entries.
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
