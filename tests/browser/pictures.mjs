// Takes the pictures of the live page in docs/images: node tests/browser/pictures.mjs BATON
// It starts a lab, sends requests under none, and then under b3.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const baton = resolve(process.argv[2]);
const images = fileURLToPath(new URL('../../docs/images/', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'baton-pictures-'));
const flags = ['--port', '--page-port', '--kinesis-port', '--otlp-port', '--zipkin-port'].flatMap(flag => [flag, '0']);
const options = { cwd: folder, env: { ...process.env, BATON_RUNTIME_DIR: join(folder, 'runtime') }, stdio: ['ignore', 'pipe', 'inherit'] };
const lab = spawn(baton, ['up', '--quiet', '--format', 'json', '--producer', 'none', '--consumer', 'none', ...flags], options);
let text = '';
for await (const chunk of lab.stdout) {
  text += chunk;
  if (text.includes('\n')) break;
}
const { page: address } = JSON.parse(text.split('\n')[0]);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
try {
  for (const [name, mode, colorScheme, says] of [
    ['page-broken', 'none', 'light', 'The trace breaks from producer-lambda'],
    ['page-joined', 'b3', 'dark', 'Every judged hand-off held'],
  ]) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 1000 }, colorScheme });
    const page = await context.newPage();
    await page.goto(address);
    for (const setting of ['producer', 'consumer']) await page.locator(`select[name="${setting}"]`).selectOption(mode);
    await page.locator('select[name="client"]').selectOption('tracecontext,b3');
    await page.getByRole('button', { name: 'Switch' }).click();
    await page.getByText('In effect since').waitFor();
    for (let sent = 1; sent <= 12; sent += 1) {
      await page.getByRole('button', { name: 'Send', exact: true }).click();
      await page.locator('[data-result="/send"]').getByText('Its trace').waitFor();
      await page.waitForTimeout(200);
    }
    await page.locator('.answer .sentence').getByText(says).waitFor();
    // the page as it looks when it is opened now
    await page.goto(address);
    await page.locator('.answer .sentence').getByText(says).waitFor();
    await page.waitForTimeout(1000);
    await page.screenshot({ path: join(images, `${name}.png`) });
    await context.close();
  }
} finally {
  await browser.close();
  lab.kill('SIGINT');
  await new Promise(ended => lab.once('exit', ended));
  rmSync(folder, { recursive: true, force: true });
}
