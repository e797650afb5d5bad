// Sends a process' spans to the collector that OTEL_EXPORTER_OTLP_ENDPOINT names, and says what was done.

import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { defaultResource, detectResources, envDetector } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';

let ended = 0;
const count = { onStart() {}, onEnd() { ended++; }, forceFlush: async () => {}, shutdown: async () => {} };
const provider = new NodeTracerProvider({
  resource: defaultResource().merge(detectResources({ detectors: [envDetector] })),
  spanProcessors: [count, new BatchSpanProcessor(new OTLPTraceExporter())],
});
provider.register();

// Where the stand-in for a model's server listens: ../libraries/standin.py.
export const url = process.env.STANDIN_URL;

// Has the stand-in answer with these next.
export const plan = (...answers) => fetch(url.replace(/v1$/, 'plan'), { method: 'POST', body: JSON.stringify(answers) });

let first = 0;

// Starts a stream and reads it to its end.
export async function stream(start) {
  const began = performance.now();
  let some = false;
  for await (const _ of start()) {
    if (!some) first += performance.now() - began;
    some = true;
  }
}

// Sends the last spans, and prints what was done as the last line.
export async function done(what) {
  const served = await (await fetch(url)).json();
  await provider.shutdown();
  console.log('DID ' + JSON.stringify({ ...served, spans: ended, first, ...what }));
}
