// A lesson with the live page, in headless Chromium: node lesson.mjs PAGE OTLP
// With BATON_SCREENSHOTS=DIR it also takes pictures at three widths.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const [address, otlp] = process.argv.slice(2);
const shots = process.env.BATON_SCREENSHOTS;
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
const complaints = [];

/** A page that fails the lesson when anything in it fails, or runs what it must not. */
async function open(path, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, bypassCSP: false, ...options });
  const page = await context.newPage();
  page.on('dialog', dialog => { complaints.push(`a dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on('pageerror', error => complaints.push(`${path}: ${error}`));
  page.on('console', message => { if (message.type() === 'error') complaints.push(`${path}: ${message.text()}`); });
  await page.goto(address + path);
  return page;
}

const sentence = page => page.locator('.answer .sentence').first();
const says = async (page, text) => {
  await page.waitForFunction(wanted => document.querySelector('.answer .sentence')?.textContent.includes(wanted), text, { timeout: 30000 })
    .catch(async () => assert.fail(`the page says "${await sentence(page).textContent()}" and not "${text}"`));
};

const choose = (page, name, mode) => page.locator(`select[name="${name}"]`).selectOption(mode);

async function switchTo(page, producer, consumer, client = 'none') {
  for (const [name, mode] of Object.entries({ producer, consumer, client })) await choose(page, name, mode);
  await page.getByRole('button', { name: 'Switch' }).click();
  await page.getByText('In effect since').waitFor();
}

async function send(page, headers = '') {
  await page.getByLabel('Headers to send along').fill(headers);
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  await page.locator('[data-result="/send"]').getByText('Its trace').waitFor();
}

// the map is there before any span, and says so
const page = await open('/');
await says(page, 'No request yet');
assert.equal(await page.locator('.wide svg text', { hasText: 'consumer-lambda' }).count(), 1);
if (shots) await page.screenshot({ path: `${shots}/empty-1280.png`, fullPage: true });

// what modes will do is said before they are tried
await choose(page, 'producer', 'b3');
await choose(page, 'consumer', 'tracecontext');
await page.locator('[data-fragment="prediction"]').getByText('starts a new trace').waitFor();
assert.match(page.url(), /producer=b3/);

// send under none: it breaks; switch both to b3: it joins
await switchTo(page, 'none', 'none');
await send(page);
await says(page, 'The trace breaks from producer-lambda to consumer-lambda');
assert.ok(await page.locator('.wide path.edge.broken').count() > 0);
if (shots) await page.screenshot({ path: `${shots}/broken-1280.png`, fullPage: true });
await switchTo(page, 'b3', 'b3');
await send(page);
await says(page, 'Every judged hand-off held');

// the trace by the id in the log, and its header explained
const log = await open('/logs/producer');
const line = log.locator('.line', { hasText: 'record' }).last();
const id = (await line.locator('a').getAttribute('href')).split('/').pop();
await log.goto(`${address}/traces`);
await log.getByLabel('Trace id, or its beginning').fill(id);
await log.getByRole('button', { name: 'Search' }).click();
await log.locator('tbody a').first().click();
await says(log, 'Every judged hand-off held');
await log.getByText('One trace context arrives in b3').waitFor();
await log.getByRole('link', { name: 'Explain in full' }).first().click();
await log.getByText('What each mode continues').waitFor();

// conflicting headers, pasted into the form: what they would do is said before they are sent
const conflict = 'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\nb3: 11111111111111112222222222222222-3333333333333333-1';
await page.getByLabel('Headers to send along').fill(conflict);
await page.locator('[data-fragment="send-preview"]').getByText('The producer (b3) would continue trace 11111111…').waitFor();
await page.getByLabel('Headers to send along').fill('');
await page.waitForFunction(() => document.querySelector('[data-fragment="send-preview"]').textContent === '');

// and under Explain
await log.goto(`${address}/explain`);
await log.locator('#paste').fill(conflict);
await log.getByRole('button', { name: 'Explain' }).click();
await log.getByText('Two different traces arrive').first().waitFor();

// a burst, started and stopped
await page.getByLabel('Seconds').fill('60');
await page.getByRole('button', { name: 'Start' }).click();
await page.locator('.progress-line').getByText(/[1-9]\d* requests/).waitFor({ timeout: 30000 });
await page.getByRole('button', { name: 'Stop' }).click();
await page.getByText('The last burst sent').waitFor({ timeout: 30000 });
assert.equal(await page.locator('[data-result="/burst"]').textContent(), '', 'no message of a burst that has ended');

// the newest trace is that of the request, with both functions
const newest = await page.locator('[data-live="newest"] tbody tr').first().textContent();
assert.match(newest, /producer-lambda.*consumer-lambda|consumer-lambda.*producer-lambda/);

// an earlier period says that it is one, and leads back
const past = await open('/?period=0');
await past.getByText('You see an earlier period').waitFor();
await past.getByRole('link', { name: 'Back to now' }).click();
await says(past, 'Every judged hand-off held');
assert.equal(await past.getByText('You see an earlier period').count(), 0);

// a link to a part of the page leads there
const part = await open('/#newest-title');
await part.waitForFunction(() => window.scrollY > 0);

// the page of a lab that has ended says so
await part.evaluate(() => { document.querySelector('meta[name="baton-token"]').content = '0'.repeat(32); });
await part.getByRole('button', { name: 'Send', exact: true }).click();
await part.getByText('Load the page again').waitFor();

// an address that does not exist
await past.goto(`${address}/nowhere`);
await past.getByText('The lab has no page at /nowhere.').waitFor();

// two runs, kept and compared
const runs = await open('/runs');
for (const place of [0, 1]) {
  const options = await runs.locator('select[name="period"] option').count();
  await runs.locator('select[name="period"]').selectOption({ index: options - 2 + place });
  await runs.getByRole('button', { name: 'Save the run' }).click();
  await runs.getByText('Saved as').waitFor({ timeout: 30000 });
  await runs.waitForURL('**/runs', { waitUntil: 'load' });
  await runs.waitForFunction(wanted => document.querySelectorAll('input[name="run"]').length >= wanted, place + 1, { timeout: 10000 });
}
for (const box of await runs.locator('input[name="run"]').all()) await box.check();
await runs.getByRole('button', { name: 'Compare the chosen runs' }).click();
await runs.getByText('new_trace').first().waitFor();

// a matrix of one mode
const matrix = await open('/matrix');
for (const mode of ['tracecontext', 'tracecontext,b3']) await matrix.locator(`input[value="${mode}"]`).uncheck();
await matrix.getByRole('button', { name: 'Measure' }).click();
await matrix.locator('td', { hasText: '5 connected' }).first().waitFor({ timeout: 60000 });

// the back button leads to what was searched
await log.goto(`${address}/traces?verdict=new_trace`);
await log.locator('tbody a').first().click();
await log.waitForURL('**/traces/*');
await log.goBack();
assert.match(log.url(), /verdict=new_trace/);
assert.equal(await log.locator('select[name="verdict"]').inputValue(), 'new_trace');

// a switch of both functions and the client is one setting
const settings = await page.locator('[data-live="periods"] tbody tr').count();
await switchTo(page, 'b3multi', 'b3multi');
await send(page);
await page.waitForFunction(before => document.querySelectorAll('[data-live="periods"] tbody tr').length > before, settings);
assert.equal(await page.locator('[data-live="periods"] tbody tr').count(), settings + 1, 'one more setting');
await switchTo(page, 'b3', 'b3');
await send(page);

// by keyboard alone: to the modes, another producer, the switch, and a request
const keyboard = await open('/');
const focus = async (name) => {
  for (let step = 0; step < 60; step += 1) {
    await keyboard.keyboard.press('Tab');
    const at = await keyboard.evaluate(() => [document.activeElement.name, document.activeElement.textContent.trim()]);
    if (at[0] === name || at[1] === name) return;
  }
  assert.fail(`${name} is not reached by Tab`);
};
await focus('producer');
await keyboard.keyboard.type('none');
await focus('Switch');
await keyboard.keyboard.press('Enter');
await keyboard.getByText('In effect since').waitFor();
await focus('Send');
await keyboard.keyboard.press('Enter');
await says(keyboard, 'The trace breaks');

// the list of traces follows: it leaves the focus and the place alone, and waits while it is paused
const list = await open('/traces');
const rows = list.locator('[data-live="list"] tbody tr');
await rows.nth(12).locator('a').focus();
await rows.nth(12).evaluate(row => row.scrollIntoView({ block: 'center' }));
const watched = await rows.nth(12).getAttribute('id');
const at = () => list.evaluate(id => document.getElementById(id).getBoundingClientRect().top, watched);
const firstRow = () => rows.first().getAttribute('id');
const [seen, top] = [await firstRow(), await at()];
const newer = old => list.waitForFunction(id => document.querySelector('[data-live="list"] tbody tr').id !== id, old, { timeout: 30000 });
await send(page);
await newer(seen);
assert.equal(await list.evaluate(() => document.activeElement.closest('tr').id), watched, 'the focus stays');
assert.ok(Math.abs(await at() - top) < 2, `the row moved from ${top} to ${await at()}`);
await list.getByRole('button', { name: 'Pause' }).click();
const paused = await firstRow();
await send(page);
await list.waitForTimeout(2500);
assert.equal(await firstRow(), paused, 'a pause changes nothing');
await list.getByRole('button', { name: 'Pause' }).click();
await newer(paused);

// hostile texts in names, attributes, headers and bodies run nothing, and are seen as they are
const hostile = `"'></style></pre><img src=x onerror="window.ran=1"><script>window.ran=1</script><svg onload=window.ran=1>\u202e\u2066`;
const shows = ['<script>window.ran=1</script>', '\\u{202e}', '\\u{2066}'];
const text = { stringValue: hostile };
const times = { startTimeUnixNano: `${Date.now()}000000`, endTimeUnixNano: `${Date.now()}900000` };
const span = {
  traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', kind: 2, name: hostile, ...times, traceState: `a=${hostile}`,
  attributes: [{ key: hostile, value: text }], status: { code: 2, message: hostile }, events: [{ name: hostile, timeUnixNano: times.startTimeUnixNano }],
};
const attributes = [{ key: 'service.name', value: text }, { key: hostile, value: text }];
const body = { resourceSpans: [{ resource: { attributes }, scopeSpans: [{ spans: [span] }] }] };
assert.equal((await fetch(otlp, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })).status, 200);
await switchTo(page, 'tracecontext', 'tracecontext');
// what headers would do is said again after a switch
const preview = page.locator('[data-fragment="send-preview"]');
await page.getByLabel('Headers to send along').fill(conflict);
await preview.getByText('The producer (tracecontext) would continue trace 0af76519…').waitFor();
await switchTo(page, 'b3', 'b3');
await preview.getByText('The producer (b3) would continue trace 11111111…').waitFor();
await switchTo(page, 'tracecontext', 'tracecontext');
await page.getByLabel('Name', { exact: true }).fill(hostile);
await page.getByLabel('Superpower').fill(hostile);
const ids = '0af7651916cd43dd8448eb211c803190-b7ad6b7169203331';
await send(page, `traceparent: 00-${ids}-01\ntracestate: a=<script>alert(1)</script>\nx-hostile: ${hostile}`);

/** Fails if anything of a page ran, became an element, or reordered text. */
async function harmless(view, where, visible = shows) {
  const found = await view.evaluate(() => {
    const copy = document.documentElement.cloneNode(true);
    // the field keeps what a person pasted
    copy.querySelectorAll('textarea, head').forEach(part => part.remove());
    const elements = copy.querySelectorAll('main img, main script, main style, main [onload], main [onerror]').length;
    return { ran: window.ran, elements, text: copy.textContent };
  });
  assert.equal(found.ran, undefined, `${where}: a text ran`);
  assert.equal(found.elements, 0, `${where}: a text became an element`);
  assert.doesNotMatch(found.text, /[\u202a-\u202e\u2066-\u2069]/, `${where}: a text turns the direction`);
  for (const part of visible) assert.ok(found.text.includes(part), `${where} does not show ${part}`);
}
await keyboard.locator('td', { hasText: 'window.ran=1' }).first().waitFor();
await harmless(keyboard, 'the first page');
await harmless(page, 'the answer to a request', []);
const query = encodeURIComponent(hostile);
for (const [path, visible] of [
  ['/traces', shows],
  [`/traces/${span.traceId}`, shows],
  [`/traces/${ids.split('-')[0]}`, [...shows, 'tracestate: a=<script>alert(1)</script>']],
  [`/traces?id=${query}&service=${query}&attribute=${query}`, ['<script>window.ran=1</script>']],
  [`/explain?text=${encodeURIComponent(`traceparent: ${hostile}\nb3: ${hostile}`)}`, shows],
  [`/requests/${query}`, []],
  [`/?producer=${query}&client=${query}`, []],
  ['/logs/producer', shows],
  ['/logs/consumer', shows],
]) {
  await keyboard.goto(address + path, { waitUntil: 'load' });
  await keyboard.evaluate(() => document.querySelectorAll('details').forEach(details => { details.open = true; }));
  await harmless(keyboard, path, visible);
}
// a run with all of it, and its report
await runs.goto(`${address}/runs`);
await runs.locator('select[name="period"]').selectOption('last:15');
await runs.getByRole('button', { name: 'Save the run' }).click();
await runs.getByText('Saved as').waitFor({ timeout: 30000 });
await runs.waitForURL('**/runs', { waitUntil: 'load' });
await runs.getByRole('link', { name: 'Open' }).first().click();
await runs.waitForURL('**/report');
assert.equal(await runs.evaluate(() => window.ran), undefined, 'the report: a text ran');
assert.equal(await runs.locator('img, script, [onload], [onerror]').count(), 0, 'the report: a text became an element');

// every view, in light and dark: no violation, nothing beyond the edge of a phone
for (const colorScheme of ['light', 'dark']) {
  for (const [name, path] of [['live', '/'], ['traces', '/traces'], ['trace', `/traces/${id}`], ['explain', '/explain?text=b3:+0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1'], ['runs', '/runs'], ['matrix', '/matrix'], ['logs', '/logs/consumer'], ['past', '/?period=0'], ['unknown', '/nowhere']]) {
    for (const width of [390, 1280, 1920]) {
      const view = await open(path, { colorScheme, viewport: { width, height: 900 }, bypassCSP: true });
      await view.waitForTimeout(300);
      const scrolls = await view.evaluate(() => document.documentElement.scrollWidth);
      if (scrolls > width) complaints.push(`${path} is ${scrolls} wide at ${width}`);
      await view.evaluate(axe);
      const { violations } = await view.evaluate(() => axe.run());
      for (const violation of violations) complaints.push(`${path} ${colorScheme} ${width}: ${violation.id}: ${violation.nodes.map(node => node.target.join(' ')).slice(0, 3).join(', ')}`);
      if (shots) await view.screenshot({ path: `${shots}/${name}-${colorScheme}-${width}.png`, fullPage: true });
      await view.context().close();
    }
  }
}

// without script, the page can be read
const plain = await open('/', { javaScriptEnabled: false });
await sentence(plain).waitFor();
for (const part of ['#modes-title', '#periods-title', '#newest-title']) assert.ok(await plain.locator(part).isVisible(), `${part} without script`);
assert.equal(await plain.getByRole('button', { name: 'Send', exact: true }).isVisible(), false);

await browser.close();
// 404 is the answer about a request that was never sent, and 403 that about another lab's token
assert.deepEqual(complaints.filter(complaint => !/status of 40[34]/.test(complaint)), []);
