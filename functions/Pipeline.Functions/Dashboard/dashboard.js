'use strict';
// Every text goes in as textContent: nothing that a file, a row or an error says becomes markup.
const api = new URL('./', location.href);                 // .../api/
const key = new URLSearchParams(location.search).get('code'); // a function key, where the app asks for one
const at = (path) => { const u = new URL(path, api); if (key) u.searchParams.set('code', key); return u; };
const $ = (id) => document.getElementById(id);
const stages = {{stages}};
const percent = (f) => f === undefined || f === null ? '' : (100 * f).toFixed(1) + ' %';
let chosen = decodeURIComponent(location.hash.slice(1)), stream = null, lines = [], shown = '';

// Whether an element shows something else than this. One that does not is left alone: a button that is being pressed must not go away.
function stale(element, what) { const other = element.dataset.shows !== what; element.dataset.shows = what; return other; }

function cell(row, text, className) { const td = row.insertCell(); td.textContent = text ?? ''; if (className) td.className = className; return td; }

async function get(path) {
  const answer = await fetch(at(path));
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${(await answer.text()).slice(0, 300)}`);
  return answer.json();
}

async function act(method, path) {
  try {
    const answer = await fetch(at(path), { method, headers: { 'x-pipeline-page': '1' } });
    $('refused').textContent = answer.ok ? '' : (await answer.json()).detail;
  } catch (fault) { $('refused').textContent = String(fault); }
  refresh();
}

function rowOf(run) {
  const row = document.createElement('tr');
  row.className = 'run' + (run.runId === chosen ? ' chosen' : '');
  row.dataset.run = run.runId;
  row.tabIndex = 0;
  row.onclick = () => choose(run.runId);
  row.onkeydown = (e) => { if (e.key === 'Enter') choose(run.runId); };
  cell(row, run.runId); cell(row, run.createdAt.slice(0, 16).replace('T', ' ')); cell(row, run.trigger); cell(row, run.source);
  cell(row, run.state === 'running' ? `running: ${run.stage}` : run.state, run.state);
  cell(row, percent(run.linearAccuracy)); cell(row, percent(run.baseAccuracy)); cell(row, percent(run.tunedAccuracy)); cell(row, run.error ?? run.promotion);
  return row;
}

function button(text, method, path) {
  const b = document.createElement('button');
  b.textContent = text;
  b.onclick = () => act(method, path);
  return b;
}

function rowOfLetter(letter) {
  const row = document.createElement('tr');
  cell(row, letter.at.slice(0, 16).replace('T', ' ')); cell(row, letter.what); cell(row, letter.queue); cell(row, letter.reason);
  const path = 'deadletters/' + encodeURIComponent(letter.id);
  row.insertCell().append(button('Requeue', 'POST', path + '/requeue'), button('Delete', 'DELETE', path));
  return row;
}

async function refresh() {
  try {
    const runs = await get('runs');
    const body = $('runs').tBodies[0];
    if (stale(body, JSON.stringify([chosen, runs]))) body.replaceChildren(...runs.map(rowOf));
    $('none').hidden = runs.length > 0;
    const notes = await get('deadletters');
    $('aside').hidden = notes.length === 0;
    const letters = $('notes').tBodies[0];
    if (stale(letters, JSON.stringify(notes))) letters.replaceChildren(...notes.map(rowOfLetter));
    if (chosen) await detail();
    $('fault').textContent = '';
  } catch (fault) { $('fault').textContent = String(fault.message ?? fault); }
}

function choose(id) {
  if (id === chosen && stream) return;
  chosen = id;
  location.hash = encodeURIComponent(id);
  lines = [];
  stream?.close();
  stream = null;
  refresh();
}

async function detail() {
  const view = await get('runs/' + encodeURIComponent(chosen));
  const run = view.run;
  $('run').hidden = false;
  $('title').textContent = `${run.runId}: ${run.state}` + (run.error ? `, ${run.error}` : '');
  const buttons = [];
  const path = 'runs/' + encodeURIComponent(run.runId);
  if (run.state === 'running') buttons.push(button('Cancel', 'POST', path + '/cancel'));
  if (['failed', 'cancelled', 'interrupted', 'needs-settings'].includes(run.state)) buttons.push(button('Resume', 'POST', path + '/resume'), button('Purge', 'DELETE', path));
  if (stale($('actions'), buttons.map((b) => b.textContent).join() + path)) $('actions').replaceChildren(...buttons);
  $('rows').textContent = view.rows ? `${view.rows.read} rows read = ${view.rows.accepted} accepted + ${view.rows.rejected} rejected + ${view.rows.duplicates} duplicates` : '';
  const links = [];
  const link = (text, href, download) => { const a = document.createElement('a'); a.textContent = text; a.href = at(href); if (download) a.download = ''; links.push(a, ' '); };
  if (view.rows?.rejected > 0) { link('Download the rejected rows', path + '/rejected', true); link('Rejected rows', path + '/rejected?as=page'); link('Table to correct', path + '/rejected?as=csv', true); }
  if (run.datasetId) link('Dataset', path + '/audit');
  if (run.adapter) link('Report', path + '/report');
  if (stale($('links'), links.map((l) => l.href).join())) $('links').replaceChildren(...links);
  if (!stream) listen(run.runId);
  draw(run);
}

function listen(id) {
  stream = new EventSource(at('runs/' + encodeURIComponent(id) + '/events'));
  const mine = stream;
  stream.addEventListener('progress', (e) => { if (mine === stream) { lines.push(JSON.parse(e.data)); drawSoon(); } });
  stream.addEventListener('end', () => { mine.close(); refresh(); });
}

let soon = 0;
function drawSoon() { if (!soon) soon = setTimeout(() => { soon = 0; draw(null); }, 100); }

function draw(run) {
  if (run) shown = run.state === 'running' && run.stage === 'dataset' ? 'dataset' : '';
  const last = new Map(lines.map((l) => [l.stage, l]));
  const done = new Set(last.keys());
  const body = $('stages').tBodies[0];
  body.replaceChildren();
  for (const [name, title] of stages) {
    const row = body.insertRow();
    cell(row, title);
    const line = name === 'train' ? lines.findLast((l) => l.stage === 'train' && l.loss !== undefined) ?? last.get('train') : last.get(name);
    const bar = document.createElement('progress');
    bar.max = Math.max(1, line?.total ?? 1);
    const later = stages.slice(stages.findIndex((s) => s[0] === name) + 1).some((s) => done.has(s[0]));
    bar.value = name === 'dataset' ? (shown === 'dataset' ? 0 : 1) : later ? bar.max : line?.done ?? 0;
    row.insertCell().append(bar);
    cell(row, line && line.total ? `${later ? line.total : line.done} of ${line.total}` : '');
  }
  curve();
}

// The curve is drawn by the host, at most once a second, and put in as its elements.
let drawing = false, drawAgain = false;
async function curve() {
  const steps = lines.filter((l) => l.loss !== undefined);
  const latest = steps[steps.length - 1];
  $('speed').textContent = latest ? `step ${latest.done} of ${latest.total}, loss ${latest.loss.toFixed(3)}, ${Math.round(latest.tokensPerSecond ?? 0)} tokens/s` : 'No step yet.';
  if (!latest) { $('curve').replaceChildren(); return; }
  if (drawing) { drawAgain = true; return; }
  drawing = true;
  const mine = chosen;
  try {
    const answer = await fetch(at('runs/' + encodeURIComponent(mine) + '/curve'));
    const svg = answer.ok ? new DOMParser().parseFromString(await answer.text(), 'text/html').querySelector('svg') : null;
    if (svg && mine === chosen) { $('curve').setAttribute('viewBox', svg.getAttribute('viewBox')); $('curve').replaceChildren(...svg.childNodes); }
  } catch (fault) { $('fault').textContent = String(fault); }
  setTimeout(() => { drawing = false; if (drawAgain) { drawAgain = false; curve(); } }, 1000);
}

refresh();
setInterval(refresh, 3000);
