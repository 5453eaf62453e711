// Keeps the page up to date and sends its forms. Everything that is shown comes from the server as
// finished HTML. Without this script the page can be read.
'use strict';
document.documentElement.classList.add('script');

/** The content of parts in which a person selects text. */
const waiting = new Map();

const token = () => document.querySelector('meta[name="baton-token"]').content;

/** What tells a link or a button from the others of its part. */
function selector(focused) {
  for (const name of ['id', 'href', 'data-post']) {
    if (focused.hasAttribute(name)) return `[${name}="${CSS.escape(focused.getAttribute(name))}"]`;
  }
  return focused.localName;
}

/** Replaces the content of an element, and keeps the focus and what is open in it. While a person
 * selects text in it, it waits. */
function replace(element, html) {
  const selection = document.getSelection();
  if (!selection.isCollapsed && element.contains(selection.anchorNode)) {
    waiting.set(element, html);
    return;
  }
  waiting.delete(element);
  const focused = element.contains(document.activeElement) ? selector(document.activeElement) : '';
  const open = [...element.querySelectorAll('details')].map(details => details.open);
  element.innerHTML = html;
  element.querySelectorAll('details').forEach((details, place) => { details.open = open[place] || false; });
  if (focused) element.querySelector(focused)?.focus({ preventScroll: true });
}

/** Says whether the lab still answers. */
function connection(lost) {
  const place = document.getElementById('connection');
  place.classList.toggle('lost', lost);
  place.textContent = lost ? 'The lab does not answer. This is the last that was seen.' : 'live';
}

/** Replaces several parts in one frame. A hidden page waits until it is seen. */
const arrived = new Map();
function arrive(element, html) {
  if (arrived.size === 0) {
    requestAnimationFrame(() => {
      const parts = [...arrived];
      arrived.clear();
      parts.forEach(([part, content]) => replace(part, content));
    });
  }
  arrived.set(element, html);
}

/** Follows the events of the address of the first live element. */
function follow() {
  const live = [...document.querySelectorAll('[data-live]')];
  const address = live.find(element => element.dataset.address)?.dataset.address;
  if (!address) return;
  const events = new EventSource(address);
  events.onopen = () => connection(false);
  events.onerror = () => connection(true);
  for (const element of live) {
    events.addEventListener(element.dataset.live, event => arrive(element, event.data));
  }
}

/** Sends a request that changes something, and shows the answer. */
async function post(address, fields) {
  const result = document.querySelector(`[data-result="${address}"]`);
  const show = (failed, text, isHtml) => {
    if (!result) return;
    result.classList.toggle('failed', failed);
    if (isHtml) result.innerHTML = text; else result.textContent = text;
  };
  show(false, 'Working…', false);
  try {
    const answer = await fetch(address, {
      method: 'POST',
      headers: { 'authorization': `Bearer ${token()}`, 'content-type': 'application/json' },
      body: JSON.stringify(fields),
    });
    const isHtml = (answer.headers.get('content-type') || '').startsWith('text/html');
    const text = await answer.text();
    const isJson = text.startsWith('{');
    show(!answer.ok, isJson ? JSON.parse(text).message : text, isHtml);
    return answer.ok;
  } catch (error) {
    show(true, 'The lab does not answer.', false);
    return false;
  }
}

/** The fields of a form. Several values of one name are joined by spaces. */
function fieldsOf(form) {
  const fields = {};
  for (const [name, value] of new FormData(form)) fields[name] = name in fields ? `${fields[name]} ${value}` : value;
  return fields;
}

async function submit(event) {
  const form = event.target;
  if (!form.dataset.send) return;
  event.preventDefault();
  const buttons = form.querySelectorAll('button');
  buttons.forEach(button => { button.disabled = true; });
  const done = await post(form.dataset.send, fieldsOf(form));
  buttons.forEach(button => { button.disabled = false; });
  if (done && form.dataset.then) setTimeout(() => location.assign(form.dataset.then), 1200);
}

/** Shows what the chosen modes would do, and puts them into the address. */
async function preview(form) {
  const query = new URLSearchParams(new FormData(form)).toString();
  const answer = await fetch(`${form.dataset.preview}?${query}`);
  if (answer.ok) replace(document.querySelector('[data-fragment="prediction"]'), await answer.text());
  history.replaceState(null, '', `/?${query}`);
}

/** The command that sends what the form would send. */
function curl(form) {
  const quoted = text => `'${text.replaceAll("'", "'\\''")}'`;
  const { name, superpower, headers } = fieldsOf(form);
  const place = document.getElementById('curl');
  const endpoint = place.dataset.endpoint ||= place.textContent.trim().split(' ').pop();
  const lines = headers.split('\n').map(line => line.trim()).filter(Boolean);
  const parts = lines.map(line => `-H ${quoted(line)} `).join('');
  place.textContent = `curl ${parts}-d ${quoted(JSON.stringify({ name, superpower }))} ${endpoint}`;
}

/** Follows a log. It scrolls along only while its last line is in sight. */
function followLog(log) {
  log.scrollTop = log.scrollHeight;
  const events = new EventSource(log.dataset.follow);
  events.onopen = () => connection(false);
  events.onerror = () => connection(true);
  events.addEventListener('lines', event => {
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    log.insertAdjacentHTML('beforeend', event.data);
    while (log.childElementCount > 2000) log.firstElementChild.remove();
    if (atEnd) log.scrollTop = log.scrollHeight;
  });
}

document.addEventListener('DOMContentLoaded', () => {
  follow();
  document.querySelectorAll('[data-follow]').forEach(followLog);
  document.addEventListener('submit', submit);
  document.addEventListener('selectionchange', () => [...waiting].forEach(([element, html]) => replace(element, html)));
  document.addEventListener('click', event => {
    const button = event.target.closest('[data-post]');
    if (button) post(button.dataset.post, {});
  });
  document.querySelectorAll('[data-preview]').forEach(form => form.addEventListener('change', () => preview(form)));
  const send = document.querySelector('form[data-send="/send"]');
  if (send) send.addEventListener('input', () => curl(send));
});
