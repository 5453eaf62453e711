// Measures the live page of `baton up`: node benches/page.mjs BATON [TRACES] [ROUNDS]
// BATON is a release binary. Needs Chromium and `npm ci --prefix tests/browser`.
//
// It starts a lab, fills its memory with TRACES traces (100,000), and prints:
// - the first paint of the page in the browser, and that of an empty page;
// - the CPU time of the browser's main thread for parsing, style, layout and paint before it;
// - the time in which the server answers with the whole page, which is more than an update;
// - the CPU time that the browser's main thread takes for each update;
// - the lab's throughput with the page open, as a share of the throughput without it: bursts take
//   turns for ROUNDS rounds (8; 0 for none), so that what else the machine does slows down both.
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const { chromium } = createRequire(new URL('../tests/browser/package.json', import.meta.url))('playwright-core');
const [program, traces = '100000', rounds = '8'] = process.argv.slice(2);
const baton = resolve(program);
const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'baton-page-'));
const median = values => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const shown = values => `median ${median(values).toFixed(1)}, ${Math.min(...values).toFixed(1)} to ${Math.max(...values).toFixed(1)}, of ${values.length}`;

/** A lab on ports of its own, and its addresses. */
async function lab() {
  const ports = ['--port', '--page-port', '--kinesis-port', '--otlp-port', '--zipkin-port'].flatMap(flag => [flag, '0']);
  const options = { cwd: folder, env: { ...process.env, BATON_RUNTIME_DIR: join(folder, 'runtime') }, stdio: ['ignore', 'pipe', 'inherit'] };
  const child = spawn(baton, ['up', '--quiet', '--format', 'json', ...ports], options);
  let text = '';
  for await (const chunk of child.stdout) {
    text += chunk;
    if (text.includes('\n')) break;
  }
  return { child, addresses: JSON.parse(text.split('\n')[0]) };
}

const hex = (number, digits) => number.toString(16).padStart(digits, '0');

/** The three spans of one request, as the functions export them. */
function spansOf(number) {
  const traceId = hex(number + 1, 32);
  const id = place => hex(number * 4 + place, 16);
  const at = BigInt(Date.now()) * 1000000n;
  const times = { startTimeUnixNano: `${at}`, endTimeUnixNano: `${at + 2000000n}` };
  const attributes = pairs => Object.entries(pairs).map(([key, stringValue]) => ({ key, value: { stringValue } }));
  const message = { 'messaging.message.id': `${number}`, 'messaging.destination.name': 'baton', 'messaging.destination.partition.id': 'shardId-000000000000' };
  const producer = [
    { traceId, spanId: id(1), kind: 2, flags: 0x301, name: 'POST /producer', ...times, attributes: attributes({ 'aws.request_id': `r-${number}`, 'custom.tag.name': 'Kate' }) },
    { traceId, spanId: id(2), parentSpanId: id(1), kind: 4, flags: 0x101, name: 'send baton', ...times, attributes: attributes(message) },
  ];
  const consumer = [{ traceId, spanId: id(3), parentSpanId: id(2), kind: 5, flags: 0x301, name: 'Kinesis.getRecord', ...times, attributes: attributes(message) }];
  return { producer, consumer };
}

async function send(otlp, numbers) {
  const all = numbers.map(spansOf);
  const resource = (name, spans) => ({
    resource: { attributes: [{ key: 'service.name', value: { stringValue: name } }] },
    scopeSpans: [{ spans }],
  });
  const body = { resourceSpans: [resource('producer-lambda', all.flatMap(one => one.producer)), resource('consumer-lambda', all.flatMap(one => one.consumer))] };
  const answer = await fetch(otlp, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(await answer.text());
}

const range = (from, to) => Array.from({ length: to - from }, (_, place) => from + place);

/** What the main thread does for a page, in the events of Chromium's tracing. */
const WORK = ['ParseHTML', 'UpdateLayoutTree', 'Layout', 'Paint'];

/** The CPU time of the main thread for the page before its first paint, in milliseconds. */
function workBefore(events) {
  const paint = events.find(event => event.name === 'firstContentfulPaint');
  const before = event => event.pid === paint.pid && event.tid === paint.tid && event.ts < paint.ts && WORK.includes(event.name);
  return events.filter(before).reduce((sum, event) => sum + (event.tdur ?? 0), 0) / 1000;
}

/** Requests per second of one burst. */
async function throughput(endpoint) {
  const { stdout } = await run(baton, ['burst', '--quiet', '--endpoint', endpoint, '--users', '8', '--duration', '3s', '--format', 'json'], { cwd: folder, maxBuffer: 1 << 26 });
  return JSON.parse(stdout).bursts[0].throughput_rps;
}

const { child, addresses } = await lab();
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
try {
  const count = Number(traces);
  for (let from = 0; from < count; from += 500) await send(addresses.otlp, range(from, Math.min(from + 500, count)));
  const html = { headers: { accept: 'text/html' } };
  for (;;) {
    const text = await (await fetch(addresses.page, html)).text();
    if (text.includes(`${count.toLocaleString('en')} traces in memory`)) break;
    await new Promise(wake => setTimeout(wake, 500));
  }

  const paints = { page: [], empty: [] };
  const work = [];
  for (let turn = 0; turn < 44; turn += 1) {
    const kind = turn % 2 === 0 ? 'page' : 'empty';
    const page = await browser.newPage();
    // tracing slows the page down, so every second one is not traced
    const isTraced = turn % 4 === 0;
    if (isTraced) await browser.startTracing(page, { categories: ['devtools.timeline', 'loading'] });
    await page.goto(kind === 'page' ? addresses.page : 'data:text/html,<p>empty');
    const paint = () => page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime);
    while (await paint() === undefined) await page.waitForTimeout(20);
    if (isTraced) work.push(workBefore(JSON.parse(await browser.stopTracing()).traceEvents));
    else paints[kind].push(await paint());
    await page.close();
  }
  console.log(`first paint, ms: ${shown(paints.page)}; of an empty page: ${shown(paints.empty)}`);
  console.log(`first paint, CPU time of the main thread before it, ms: ${shown(work)}`);

  const answers = [];
  for (let turn = 0; turn < 31; turn += 1) {
    const start = performance.now();
    await (await fetch(addresses.page, html)).text();
    answers.push(performance.now() - start);
  }
  console.log(`server, the whole page, ms: ${shown(answers)}`);

  const page = await browser.newPage();
  await page.goto(addresses.page);
  const session = await page.context().newCDPSession(page);
  // CPU time, so that what else the machine does is not counted
  await session.send('Performance.setTimeDomain', { timeDomain: 'threadTicks' });
  await session.send('Performance.enable');
  const busy = async () => (await session.send('Performance.getMetrics')).metrics.find(metric => metric.name === 'TaskDuration').value * 1000;
  // one call waits for the update: asking again and again would be counted
  const updated = () => page.evaluate(() => new Promise(done => {
    const seen = new MutationObserver(() => { seen.disconnect(); done(); });
    seen.observe(document.querySelector('[data-live="newest"]'), { childList: true, subtree: true, characterData: true });
  }));
  await page.waitForTimeout(6000);
  const each = [];
  for (let turn = 0; turn < 21; turn += 1) {
    const before = await busy();
    const update = updated();
    await send(addresses.otlp, [count + turn]);
    await update;
    await page.waitForTimeout(400);
    each.push(await busy() - before);
    await page.waitForTimeout(1500);
  }
  console.log(`browser, CPU time of the main thread for each update, ms: ${shown(each)}`);

  const shares = { open: [], events: [] };
  for (let turn = 0; turn < Number(rounds); turn += 1) {
    await page.goto('about:blank');
    const without = await throughput(addresses.endpoint);
    await page.goto(addresses.page);
    shares.open.push(100 * await throughput(addresses.endpoint) / without);
    await page.goto('about:blank');
    const again = await throughput(addresses.endpoint);
    const following = new AbortController();
    const events = await fetch(`${addresses.page}/events`, { signal: following.signal });
    const reading = (async () => { for await (const chunk of events.body) void chunk; })().catch(() => {});
    shares.events.push(100 * await throughput(addresses.endpoint) / again);
    following.abort();
    await reading;
    console.log(`round ${turn + 1}: ${without.toFixed(0)} requests/s without a page`);
  }
  if (shares.open.length > 0) {
    console.log(`throughput with the page open in Chromium, % of without: ${shown(shares.open)}`);
    console.log(`throughput with one reader of its events, % of without: ${shown(shares.events)}`);
  }
} finally {
  await browser.close();
  child.kill('SIGINT');
  await new Promise(ended => child.once('exit', ended));
  rmSync(folder, { recursive: true, force: true });
}
