// Measures the live page of `baton up`: node benches/page.mjs BATON [TRACES] [ROUNDS]
// BATON is a release binary. Needs Chromium and `npm ci --prefix tests/browser`.
//
// It starts a lab, fills its memory with TRACES traces (100,000), and prints:
// - the first paint of the page in the browser, and that of an empty page from a server beside it;
// - the CPU time of the browser's main thread from the arrival of each to its first paint;
// - the time in which the server answers with the whole page, which is more than an update;
// - the CPU time that the browser's main thread takes for each update;
// - the lab's throughput with the page open, as a share of the throughput without it: bursts take
//   turns for ROUNDS rounds (8; 0 for none), so that what else the machine does slows down both;
// - the CPU time of the lab's process for each request, with and without the page.
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
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

/** The CPU time of the main thread from the arrival of a page to its first paint, in milliseconds. */
function workBefore(events) {
  const paint = events.find(event => event.name === 'firstContentfulPaint');
  const isBefore = event => event.pid === paint.pid && event.tid === paint.tid && event.ts < paint.ts;
  const arrival = events.findLast(event => isBefore(event) && event.name === 'RenderFrameImpl::CommitNavigation');
  const tasks = events.filter(event => isBefore(event) && event.name === 'ThreadControllerImpl::RunTask' && event.ts + (event.dur ?? 0) >= arrival.ts);
  return tasks.reduce((sum, task) => sum + (task.tdur ?? 0), 0) / 1000;
}

/** The address of an empty page, as another server on this machine sends it. */
async function emptyPage() {
  const server = createServer((request, answer) => answer.setHeader('content-type', 'text/html').end('<!DOCTYPE html><p>empty'));
  server.listen(0, '127.0.0.1').unref();
  await new Promise(ready => server.once('listening', ready));
  return `http://127.0.0.1:${server.address().port}/`;
}

/** The CPU time that a process has taken, in microseconds. */
function cpuTime(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  // user and system time in hundredths of a second (proc_pid_stat(5))
  return (Number(fields[11]) + Number(fields[12])) * 10000;
}

/** Requests per second of one burst, and the lab's CPU time for each request, in microseconds. */
async function burst(endpoint, pid) {
  const before = cpuTime(pid);
  const { stdout } = await run(baton, ['burst', '--quiet', '--endpoint', endpoint, '--users', '8', '--duration', '3s', '--format', 'json'], { cwd: folder, maxBuffer: 1 << 26 });
  const { requests, bursts } = JSON.parse(stdout);
  return { rate: bursts[0].throughput_rps, cpu: (cpuTime(pid) - before) / requests.sent };
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

  const opened = { page: addresses.page, empty: await emptyPage() };
  const [paints, work] = [{ page: [], empty: [] }, { page: [], empty: [] }];
  for (let turn = 0; turn < 44; turn += 1) {
    const kind = turn % 2 === 0 ? 'page' : 'empty';
    const page = await browser.newPage();
    // tracing slows the page down, so every second one is not traced
    const isTraced = turn % 4 < 2;
    if (isTraced) await browser.startTracing(page, { categories: ['devtools.timeline', 'loading', 'toplevel', 'navigation'] });
    await page.goto(opened[kind]);
    const paint = () => page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime);
    while (await paint() === undefined) await page.waitForTimeout(20);
    if (isTraced) work[kind].push(workBefore(JSON.parse(await browser.stopTracing()).traceEvents));
    else paints[kind].push(await paint());
    await page.close();
  }
  console.log(`first paint, ms: ${shown(paints.page)}; of an empty page: ${shown(paints.empty)}`);
  console.log(`CPU time of the main thread from arrival to first paint, ms: ${shown(work.page)}; of an empty page: ${shown(work.empty)}`);

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
  const cpu = { without: [], open: [], events: [] };
  for (let turn = 0; turn < Number(rounds); turn += 1) {
    const measured = async kind => {
      const { rate, cpu: each } = await burst(addresses.endpoint, child.pid);
      cpu[kind].push(each);
      return rate;
    };
    await page.goto('about:blank');
    const without = await measured('without');
    await page.goto(addresses.page);
    shares.open.push(100 * await measured('open') / without);
    await page.goto('about:blank');
    const again = await measured('without');
    const following = new AbortController();
    const events = await fetch(`${addresses.page}/events`, { signal: following.signal });
    const reading = (async () => { for await (const chunk of events.body) void chunk; })().catch(() => {});
    shares.events.push(100 * await measured('events') / again);
    following.abort();
    await reading;
    console.log(`round ${turn + 1}: ${without.toFixed(0)} requests/s without a page`);
  }
  if (shares.open.length > 0) {
    console.log(`throughput with the page open in Chromium, % of without: ${shown(shares.open)}`);
    console.log(`throughput with one reader of its events, % of without: ${shown(shares.events)}`);
    console.log(`the lab's CPU time for each request, µs: without ${shown(cpu.without)}; open in Chromium ${shown(cpu.open)}; one reader ${shown(cpu.events)}`);
  }
} finally {
  await browser.close();
  child.kill('SIGINT');
  await new Promise(ended => child.once('exit', ended));
  rmSync(folder, { recursive: true, force: true });
}
