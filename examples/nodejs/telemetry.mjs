// The tracer, and the flush at the end of every invocation. Lambda freezes the process after its answer.

import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor, ConsoleSpanExporter } from '@opentelemetry/sdk-trace-base';

// How long an answer waits for the export of its spans, in milliseconds, as in baton's own functions.
const FLUSH_TIMEOUT = Number(process.env.BATON_FLUSH_TIMEOUT?.trim() || 1000);

// One span per record of the largest batch that Lambda delivers, and one for the invocation.
const SPANS_LIMIT = 10_001;

const EXPORTERS = {
  console: () => new ConsoleSpanExporter(),
  otlp: () => new OTLPTraceExporter(),
};

function exporters() {
  const list = (process.env.OTEL_TRACES_EXPORTER?.trim() || 'otlp').split(',').map((name) => name.trim());
  return list
    .filter((name) => name !== 'none')
    .map((name) => {
      if (!Object.hasOwn(EXPORTERS, name)) {
        throw new Error(`OTEL_TRACES_EXPORTER: no exporter ${JSON.stringify(name)}; accepted are console, otlp and none`);
      }
      return EXPORTERS[name]();
    });
}

// https://opentelemetry.io/docs/specs/semconv/resource/faas/, from the variables that Lambda sets.
function lambdaAttributes() {
  const attributes = { 'cloud.provider': 'aws', 'cloud.platform': 'aws_lambda' };
  const variables = {
    'faas.name': 'AWS_LAMBDA_FUNCTION_NAME',
    'faas.version': 'AWS_LAMBDA_FUNCTION_VERSION',
    'faas.instance': 'AWS_LAMBDA_LOG_STREAM_NAME',
    'cloud.region': 'AWS_REGION',
  };
  for (const [attribute, name] of Object.entries(variables)) {
    if (process.env[name]) {
      attributes[attribute] = process.env[name];
    }
  }
  return attributes;
}

// A tracer for the service (OTEL_SERVICE_NAME overrides the name), and a function that exports its spans.
export function telemetry(service) {
  const serviceName = process.env.OTEL_SERVICE_NAME?.trim() || service;
  const resource = defaultResource()
    .merge(resourceFromAttributes(lambdaAttributes()))
    .merge(detectResources({ detectors: [envDetector] }))
    .merge(resourceFromAttributes({ 'service.name': serviceName }));
  const provider = new BasicTracerProvider({
    resource,
    spanLimits: { linkCountLimit: SPANS_LIMIT },
    spanProcessors: exporters().map(
      (exporter) => new BatchSpanProcessor(exporter, { maxQueueSize: SPANS_LIMIT, maxExportBatchSize: SPANS_LIMIT }),
    ),
  });
  return { serviceName, tracer: provider.getTracer('baton-nodejs'), flush: (log) => flush(provider, log) };
}

// Exports the spans before Lambda freezes the process. A failure is logged, because it must neither fail
// nor delay an invocation.
async function flush(provider, log) {
  let timer;
  const overdue = new Promise((resolve) => {
    timer = setTimeout(resolve, FLUSH_TIMEOUT, `it took longer than ${FLUSH_TIMEOUT} ms`);
  });
  const flushed = provider.forceFlush().then(
    () => undefined,
    // one error per exporter that failed
    (errors) => [errors].flat().map((error) => error?.message ?? String(error)).join('; '),
  );
  const problem = await Promise.race([flushed, overdue]);
  clearTimeout(timer);
  if (problem !== undefined) {
    log.line('ERROR', `the spans may not have been exported: ${problem}`);
  }
  log.flush();
}

// The attributes of a Lambda invocation, https://opentelemetry.io/docs/specs/semconv/faas/faas-spans/.
let warm = false;
export function invocationAttributes(invocation, trigger) {
  const coldStart = !warm;
  warm = true;
  return {
    'faas.invocation_id': invocation.awsRequestId,
    'faas.trigger': trigger,
    'faas.coldstart': coldStart,
    'cloud.resource_id': invocation.invokedFunctionArn,
  };
}

// custom.tag.name and custom.tag.superpower of a record's body.
export function bodyAttributes(body) {
  const attributes = {};
  for (const name of ['name', 'superpower']) {
    if (typeof body?.[name] === 'string') {
      attributes[`custom.tag.${name}`] = body[name];
    }
  }
  return attributes;
}
