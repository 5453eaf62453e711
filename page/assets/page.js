// Keeps the page up to date and sends its forms. Everything that is shown comes from the server as
// finished HTML. Without this script the page can be read.
'use strict';

/** How many lines of a log are shown. */
const MAX_LINES = 2000;

const token = () => document.querySelector('meta[name="baton-token"]').content;

/** What has arrived and is not shown yet: HTML for each element. */
const arrived = new Map();
let isPaused = false;
let isDrawing = false;
/** Functions that show what arrived during a pause. */
const resume = [draw];

function arrive(element, html) {
  arrived.set(element, html);
  draw();
}

/** Shows what has arrived, in one frame. A part in which a person selects text waits, and a hidden
 * page waits until it is seen. */
function draw() {
  if (isPaused || isDrawing) return;
  isDrawing = true;
  requestAnimationFrame(() => {
    isDrawing = false;
    const selection = document.getSelection();
    const selected = selection.isCollapsed ? null : selection.anchorNode;
    for (const [element, html] of arrived) {
      if (element.contains(selected)) continue;
      arrived.delete(element);
      put(element, html);
    }
  });
}

/** Shows this HTML in an element. */
function put(element, html) {
  const template = document.createElement('template');
  template.innerHTML = html;
  becomeChildren(element, template.content);
}

/** Makes an element's children like those of `wanted`. It changes only what differs: that costs
 * less, and keeps the focus, the place on the page, and what is unfolded. Elements with an id are
 * recognized by it. */
function becomeChildren(element, wanted) {
  const known = new Map([...element.children].filter(child => child.id).map(child => [child.id, child]));
  const isSame = (child, next) => child && child.nodeName === next.nodeName && !child.id;
  let place = element.firstChild;
  for (const next of [...wanted.childNodes]) {
    const same = next.id ? known.get(next.id) : isSame(place, next) && place;
    if (!same) {
      element.insertBefore(next, place);
      continue;
    }
    if (same !== place) element.insertBefore(same, place);
    become(same, next);
    place = same.nextSibling;
  }
  while (place) {
    const gone = place;
    place = place.nextSibling;
    gone.remove();
  }
}

/** Makes a node like `next`, which has the same name. Whether details are open is up to the person. */
function become(node, next) {
  if (node.isEqualNode(next)) return;
  if (node.nodeType !== Node.ELEMENT_NODE) {
    node.data = next.data;
    return;
  }
  for (const { name, value } of next.attributes) {
    if (node.getAttribute(name) !== value) node.setAttribute(name, value);
  }
  for (const { name } of [...node.attributes]) {
    if (!next.hasAttribute(name) && name !== 'open') node.removeAttribute(name);
  }
  becomeChildren(node, next);
}

let isLost = false;
/** Says whether the page follows the lab. */
function tell() {
  const place = document.getElementById('connection');
  place.classList.toggle('lost', isLost);
  const following = isPaused ? 'paused' : 'live';
  place.textContent = isLost ? 'The lab does not answer. You see what it last sent.' : following;
}

/** Follows the events of an address while the page is seen: a browser has few connections for one
 * server, and other tabs need them. `addressNow` gives the address. */
function follow(addressNow, listeners) {
  let events;
  const connect = () => {
    events = new EventSource(addressNow());
    const heard = lost => () => { isLost = lost; tell(); };
    events.onopen = heard(false);
    events.onerror = heard(true);
    for (const [name, listener] of listeners) events.addEventListener(name, listener);
  };
  connect();
  document.addEventListener('visibilitychange', () => {
    events.close();
    if (!document.hidden) connect();
  });
  document.getElementById('pause').hidden = false;
}

/** Follows the events that keep the parts of this page up to date. */
function followParts() {
  const live = [...document.querySelectorAll('[data-live]')];
  const address = live.find(element => element.dataset.address)?.dataset.address;
  if (!address) return;
  follow(() => address, live.map(element => [element.dataset.live, event => arrive(element, event.data)]));
}

function pause(button) {
  isPaused = !isPaused;
  button.setAttribute('aria-pressed', isPaused);
  tell();
  if (!isPaused) resume.forEach(show => show());
}

/** Sends a request that changes something, and shows the answer. A quiet result shows only failures,
 * because another part of the page shows what was begun or stopped. */
async function post(address, fields) {
  const result = document.querySelector(`[data-result="${address.replace('/stop', '')}"]`);
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
    const message = text.startsWith('{') ? JSON.parse(text).message : text;
    // the token of this page is that of a lab that has ended
    const said = answer.status === 403 && message.includes('token') ? 'The lab has started again since this page was loaded. Load the page again.' : message;
    const isQuiet = answer.ok && result && 'quiet' in result.dataset;
    show(!answer.ok, isQuiet ? '' : said, isHtml);
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
  // what the headers would do depends on the modes
  document.querySelectorAll('textarea[data-preview]').forEach(field => { if (field.value) previewHeaders(field); });
  // a person who has sent something no longer needs the introduction
  document.querySelector('.start')?.removeAttribute('open');
  buttons.forEach(button => { button.disabled = false; });
  if (done && form.dataset.then) setTimeout(() => location.assign(form.dataset.then), 1200);
}

/** Shows a part that the server writes for this query, unless the query has changed since. */
async function preview(name, address, query, isCurrent) {
  try {
    const answer = await fetch(`${address}?${query}`);
    const text = await answer.text();
    if (answer.ok && isCurrent()) put(document.querySelector(`[data-fragment="${name}"]`), text);
  } catch (error) {
    // the head of the page says that the lab does not answer
  }
}

/** Shows what the chosen modes would do, and puts them into the address. */
function previewModes(form) {
  const query = new URLSearchParams(new FormData(form)).toString();
  history.replaceState(null, '', `/?${query}`);
  document.querySelector(`[data-result="${form.dataset.send}"]`).textContent = '';
  preview('prediction', form.dataset.preview, query, () => location.search === `?${query}`);
}

/** The most characters of headers that are sent for a preview, and how long a person pauses. */
const MAX_PREVIEWED = 5000;
const TYPING_PAUSE_MS = 250;
let typing;

/** Shows what headers would do, before they are sent. */
function previewHeaders(field) {
  clearTimeout(typing);
  typing = setTimeout(() => {
    const headers = field.value;
    const query = new URLSearchParams({ headers: headers.slice(0, MAX_PREVIEWED) });
    preview('send-preview', field.dataset.preview, query, () => field.value === headers);
  }, TYPING_PAUSE_MS);
}

/** Characters that cannot be seen, or that reorder text. */
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;
const escaped = text => text.replace(UNSEEN, one => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** A text as an argument in a shell. */
function quoted(text) {
  if (text.search(UNSEEN) < 0) return `'${text.replaceAll("'", "'\\''")}'`;
  return `$'${escaped(text.replaceAll('\\', '\\\\').replaceAll("'", "\\'"))}'`;
}

/** The command that sends what the form would send. */
function curl(form) {
  const { name, superpower, headers } = fieldsOf(form);
  const place = document.getElementById('curl');
  const lines = headers.split('\n').map(line => line.trim()).filter(Boolean);
  const parts = lines.map(line => `-H ${quoted(line)} `).join('');
  place.textContent = `curl ${parts}-d ${quoted(escaped(JSON.stringify({ name, superpower })))} ${place.dataset.endpoint}`;
}

/** Copies the text of an element. */
async function copy(button) {
  await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
  button.textContent = 'Copied';
}

/** Follows a log. It scrolls along only while its last line is in sight. */
function followLog(log) {
  log.scrollTop = log.scrollHeight;
  let { follow: address, from } = log.dataset;
  let waiting = [];
  const show = () => {
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    waiting.forEach(lines => log.insertAdjacentHTML('beforeend', lines));
    waiting = [];
    while (log.childElementCount > MAX_LINES) log.firstElementChild.remove();
    if (atEnd) log.scrollTop = log.scrollHeight;
  };
  resume.push(show);
  follow(() => `${address}?from=${from}`, [['lines', event => {
    from = event.lastEventId;
    waiting.push(event.data);
    if (waiting.length > MAX_LINES) waiting.shift();
    if (!isPaused) show();
  }]]);
}

document.addEventListener('submit', submit);
document.addEventListener('selectionchange', () => { if (arrived.size > 0) draw(); });
document.addEventListener('click', event => {
  const button = event.target.closest('button');
  if (button?.dataset.post) post(button.dataset.post, {});
  if (button?.dataset.copy) copy(button);
  if (button?.id === 'pause') pause(button);
});

/** How long the rest of a page waits for the first paint in a browser that does not report it. */
const MAX_WAIT_MS = 500;

/** Puts the rest of the page where a browser without script shows it. This waits for the first paint:
 * a browser lays out everything that it has, and looks for forms to fill in, before it paints. */
async function showRest() {
  const rest = document.querySelector('noscript');
  if (!rest) return;
  await new Promise(painted => {
    setTimeout(painted, MAX_WAIT_MS);
    try {
      new PerformanceObserver(painted).observe({ type: 'paint', buffered: true });
    } catch {
      painted();
    }
  });
  rest.outerHTML = rest.textContent;
  // a page that is loaded again keeps its place
  const type = performance.getEntriesByType('navigation')[0]?.type;
  if (location.hash && type === 'navigate') location.replace(location.hash);
}

async function begin() {
  await showRest();
  document.querySelectorAll('[data-follow]').forEach(followLog);
  followParts();
  document.querySelectorAll('form[data-preview]').forEach(form => form.addEventListener('change', () => previewModes(form)));
  document.querySelectorAll('textarea[data-preview]').forEach(field => field.addEventListener('input', () => previewHeaders(field)));
  document.querySelector('form[data-send="/send"]')?.addEventListener('input', event => curl(event.currentTarget));
}

begin();
