// The page: files, trust, language, and what was found.

const state = {
  files: [], // { number, name, bytes, kind, report, sample }
  trust: { policy: null, policyName: '', key: '', auditors: '', compared: new Map() }, // compared: origin -> vkey
  message: null,
  asked: [], // what came along and would say whom to trust: { number, name, policy } or { number, name, vkey }
  busy: false,
  numbers: 0,
  samples: {},
};

/** What the reader trusts, said of a log's origin. */
function readerTrust(origin) {
  const auditors = state.trust.auditors.split(/\s+/).flatMap((text) => vkeyOrNull(text) ?? []);
  const key = vkeyOrNull(state.trust.key.trim());
  const compared = state.trust.compared.get(origin);
  if (state.trust.policy) return trustPolicy(state.trust.policy, auditors);
  if (key && key.type === 1) return trustKey(key, 'key', auditors);
  if (compared) return trustKey(readVkey(compared), 'compared', auditors);
  return { ...nobody(), auditors };
}

/** The origin that a file speaks of, before it is checked. */
function originOf({ kind, bytes, files }) {
  try {
    if (kind === 'pack') return readPack(bytes).head.origin;
    if (kind === 'bundle') return readCheckpoint((files ?? readTar(bytes)).get('checkpoint')).origin;
    if (kind === 'receipt') return readReceipt(bytes).checkpoint.origin;
    if (kind === 'checkpoint') return readCheckpoint(bytes).origin;
    if (kind === 'statement') return readStatement(bytes).origin;
    if (kind === 'fork') return readFork(bytes).checkpoints[1].origin;
    return readRefusal(bytes).origin;
  } catch {
    return null;
  }
}

function showProgress(file, step, done, of) {
  const bar = document.getElementById('progress');
  if (!bar) return;
  bar.max = Math.max(1, of);
  bar.value = done;
  const text = say('progress', { name: file.name, step: say(`step-${step}`), done, of });
  document.getElementById('progress-text').textContent = visible(text);
  if (Date.now() - (showProgress.last ?? 0) > 3000) {
    showProgress.last = Date.now();
    announce(text);
  }
}

/** Checks all files again, under what the reader says now. */
async function checkAll(focus = true) {
  if (state.busy) {
    state.again = true;
    return;
  }
  do {
    state.again = false;
    state.busy = true;
    render();
    announce(say('checking'));
    const watch = state.files.flatMap(watchOf);
    const ordered = [...state.files].sort((a, b) => (b.kind === 'bundle') - (a.kind === 'bundle'));
    const stated = state.files.filter((f) => f.kind === 'statement').flatMap(statementOf);
    const whole = new Map(); // of each log the largest bundle that holds
    for (const file of ordered) {
      const options = { onProgress: (step, done, of) => showProgress(file, step, done, of) };
      if (file.kind === 'bundle') options.watch = watch;
      if (file.kind === 'pack') options.stated = stated;
      if (file.kind === 'pack') options.beside = whole.get(originOf(file)) ?? null;
      const trust = readerTrust(originOf(file));
      file.report = await judgeKind(file.kind, file.files ?? file.bytes, trust, options);
      const { beside } = file.report;
      if (file.kind === 'bundle' && holdsByItself(file.report) && beside && beside.size > (whole.get(beside.origin)?.size ?? -1)) whole.set(beside.origin, beside);
    }
    await compareSizes();
    state.busy = false;
  } while (state.again);
  render();
  const [worst] = worstFirst();
  if (!worst) return;
  announce(summaryOf());
  if (focus) document.getElementById(`verdict-${worst.number}`)?.focus();
}

/** Files that were checked, the worst first, and of two alike the one that came last. */
function worstFirst() {
  const rank = ({ report }) => VERDICTS.indexOf(report.verdict) + (report.verdict === 'verified' && !restsOnWord(report) ? 1 : 0);
  return state.files.filter((file) => file.report).sort((a, b) => rank(a) - rank(b) || b.number - a.number);
}

const SUMMARY_MAX = 20;

/** Every file with its verdict, in one sentence. */
function summaryOf() {
  const files = worstFirst();
  const list = files.slice(0, SUMMARY_MAX).map((file) => `${file.name}: ${wordOf(file.report)}`);
  if (files.length > SUMMARY_MAX) list.push(`… (+${files.length - SUMMARY_MAX})`);
  return files.length === 1 ? list[0] : say('files-summary', { count: files.length, list: list.join('. ') });
}

function statementOf({ bytes }) {
  try {
    return [readStatement(bytes)];
  } catch {
    return [];
  }
}

/** The checkpoint of a file, before it is checked; null where it has none. */
function headOf({ kind, bytes, files }) {
  try {
    if (kind === 'pack') return readPack(bytes).head;
    if (kind === 'receipt') return readReceipt(bytes).checkpoint;
    if (kind === 'checkpoint') return readCheckpoint(bytes);
    if (kind === 'bundle') return readCheckpoint((files ?? readTar(bytes)).get('checkpoint'));
  } catch {
    // What it is said to be is told when it is checked.
  }
  return null;
}

/** What a bundle shall remember of its way, to set a file against it: the root at that file's size, of a pack the stream too. */
function watchOf(file) {
  const head = headOf(file);
  if (!head || head.size > BigInt(LIMITS.entries)) return [];
  return [{ stream: file.kind === 'pack' ? readPack(file.bytes).pack.stream : null, size: Number(head.size) }];
}

/** Sets the newest pack against every older pack, checkpoint or receipt of the same log, and all files of one log against each other. */
async function compareSizes() {
  const heads = state.files.filter((file) => file.report?.head && ['pack', 'checkpoint', 'receipt'].includes(file.kind));
  const newest = heads.filter((f) => f.kind === 'pack').sort((a, b) => (a.report.head.size < b.report.head.size ? 1 : -1))[0];
  if (!newest) {
    for (const [i, file] of heads.entries()) for (const other of heads.slice(0, i)) await compareTwo(file, other, []);
  } else {
    for (const other of heads) if (other !== newest) await compareTwo(newest, other, readPack(newest.bytes).since);
  }
  const all = state.files.filter((file) => file.report?.head && file.report.anchor);
  for (const [i, file] of all.entries()) for (const other of all.slice(0, i)) setAgainst([file.report, file.bytes], [other.report, other.bytes]);
}

async function compareTwo(file, other, proofs) {
  const [newer, older] = file.report.head.size >= other.report.head.size ? [file, other] : [other, file];
  if (newer.report.head.origin !== older.report.head.origin) return;
  await checkSince(newer.report, newer.report.head, older.report.head, newer === file ? proofs : []);
}

/** Takes files. What says whom to trust counts only where the reader says that she has it from elsewhere: she is asked. */
async function takeFiles(given, sample = false) {
  state.message = null;
  for (const { name, bytes, files } of given) {
    const kind = files ? 'bundle' : kindOf(bytes);
    if (kind === 'policy') askPolicy(name, bytes);
    else if (kind === 'vkey') askKey(name, new TextDecoder().decode(bytes).trim());
    else state.files.push({ number: ++state.numbers, name, bytes, files, kind, report: null, sample });
  }
  if (state.files.length) await checkAll();
  else render(state.asked.length ? 'asked-title' : 'trust-title');
  if (state.asked.length) announce([say('asked-title'), state.files.length ? summaryOf() : ''].join(' '));
}

const unread = (bytes, error) => reason(error instanceof Refused ? policyTrouble(bytes, error) : { code: 'internal', values: { what: String(error) } });

function askPolicy(name, bytes) {
  try {
    state.asked.push({ number: ++state.numbers, name, policy: readPolicy(bytes) });
  } catch (error) {
    state.message = unread(bytes, error);
  }
}

function askKey(name, text) {
  const vkey = vkeyOrNull(text);
  if (!vkey || vkey.type !== 1) state.message = tell('key-bad');
  else state.asked.push({ number: ++state.numbers, name, vkey });
}

/** What the reader gave before and a policy, or a key of the log, would replace; nothing where it says the same. */
function givenBefore({ policy, vkey }) {
  const typed = vkeyOrNull(state.trust.key.trim());
  if (state.trust.policy) return policy && state.trust.policy.text === policy.text ? null : state.trust.policyName;
  if (typed) return vkey && typed.text === vkey.text ? null : typed.name;
  return null;
}

/** A policy that the reader herself gives; in the place of another she is asked first. */
function givePolicy(name, bytes) {
  try {
    const policy = readPolicy(bytes);
    if (givenBefore({ policy }) !== null) state.asked.push({ number: ++state.numbers, name, policy });
    else usePolicy({ name, policy });
  } catch (error) {
    state.message = unread(bytes, error);
  }
}

function usePolicy({ name, policy }) {
  Object.assign(state.trust, { policy, policyName: name, key: '' });
}

/** The answer to a question: `how` is use, log, auditor or leave. */
function answer(asked, how) {
  state.asked = state.asked.filter((one) => one !== asked);
  if (how === 'use') usePolicy(asked);
  if (how === 'log') Object.assign(state.trust, { policy: null, policyName: '', key: asked.vkey.text });
  if (how === 'auditor') state.trust.auditors = [state.trust.auditors.trim(), asked.vkey.text].filter(Boolean).join('\n');
  checkAll(how !== 'leave');
}

/** A folder that was chosen: its files by their path in it, as one. What systems left behind is not even read. */
async function readFolder(list) {
  const files = new Map();
  let [name, size] = ['', 0];
  for (const file of list) {
    const [folder, ...parts] = (file.webkitRelativePath || file.name).split('/');
    const path = parts.join('/') || folder;
    name ||= folder;
    size += file.size;
    if (size > LIMITS.bundle) {
      state.message = reason({ code: 'too-large', values: { got: size >> 20, most: LIMITS.bundle >> 20 } });
      return render();
    }
    try {
      const left = strayOf(path) !== null && !isContent(path);
      files.set(path, left ? new Uint8Array(0) : new Uint8Array(await file.arrayBuffer()));
    } catch {
      state.message = tell('unreadable', { name: path });
      return render();
    }
  }
  return list.length ? takeFiles([{ name, files }]) : render();
}

async function readChosen(list) {
  const given = [];
  for (const file of list) {
    if (file.size > LIMITS.bundle) {
      state.message = reason({ code: 'too-large', values: { got: file.size >> 20, most: LIMITS.bundle >> 20 } });
      continue;
    }
    try {
      given.push({ name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) });
    } catch {
      state.message = tell('unreadable', { name: file.name });
    }
  }
  if (given.length) await takeFiles(given);
  else render();
}

function useSample(name) {
  const shown = { 'older.pack': ['good.pack', 'older.pack'], 'other-history.pack': ['good.pack', 'other-history.pack'] }[name] ?? [name];
  state.files = [];
  takeFiles(shown.map((one) => ({ name: one, bytes: utf8(state.samples[one]) })), true);
}

function startAgain() {
  state.files = [];
  state.asked = [];
  state.message = null;
  Object.assign(state.trust, { policy: null, policyName: '', key: '', auditors: '', compared: new Map() });
  render('choose');
}

/** SHA-256 of the script that runs here, as the page's own policy names it. */
const scriptHash = () => /script-src 'sha256-([^']+)'/.exec(document.querySelector('meta[http-equiv]')?.content ?? '')?.[1] ?? null;

/** A report of which no hidden value remains: whoever is handed a verdict need not see them. */
const withoutHidden = (report) => ({
  ...report,
  records: (report.records ?? []).map((record) => ({ ...record, hidden: record.hidden.map(({ name, state: how, by }) => ({ name, state: how === 'empty' ? 'open' : how, by })) })),
});

function exportVerdict(file) {
  const result = {
    result: 'oversight-verdict/v1',
    checked_at: `${new Date().toISOString().slice(0, 19)}Z`,
    file: file.files
      ? { name: file.name, files: file.files.size, manifest_sha256: hexOf(sha256(file.files.get('manifest') ?? new Uint8Array(0))) }
      : { name: file.name, bytes: file.bytes.length, sha256: hexOf(sha256(file.bytes)) },
    page: { script_sha256: scriptHash(), catalogue: CATALOGUE.name, catalogue_sha256: CATALOGUE.digest },
    ...withoutHidden(plainReport(file.report)),
  };
  const url = URL.createObjectURL(new Blob([`${JSON.stringify(result, null, 1)}\n`], { type: 'application/json' }));
  el('a', { href: url, download: `${file.name}.verdict.json` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

function setLanguage(lang) {
  words.lang = LANGUAGES.some(([known]) => known === lang) ? lang : 'en';
  document.documentElement.lang = words.lang;
  document.documentElement.dir = LANGUAGES.find(([known]) => known === words.lang)[2];
  document.title = say('title');
}

function render(focus = document.activeElement?.id) {
  const open = new Set([...document.querySelectorAll('details[id][open]')].map((d) => d.id));
  const page = document.getElementById('page');
  page.replaceChildren(headerOf(), el('main', {}, chooserOf(), askedOf(), resultsOf(), trustBox(), samplesOf()), footerOf());
  for (const id of open) document.getElementById(id)?.setAttribute('open', '');
  if (focus) document.getElementById(focus)?.focus();
}

function headerOf() {
  const language = ([lang, name]) =>
    el('button', { type: 'button', lang, id: `lang-${lang}`, 'aria-pressed': String(lang === words.lang), onclick: () => {
      setLanguage(lang);
      render(`lang-${lang}`);
    } }, name);
  return el(
    'header',
    {},
    el('div', { class: 'languages', role: 'group', 'aria-label': say('languages') }, LANGUAGES.map(language)),
    el('h1', {}, say('title')),
    el('p', { class: 'lead' }, say('lead')),
    el('p', { class: 'network' }, say('network')),
  );
}

function chooserOf() {
  return el(
    'section',
    { class: 'choose', 'aria-labelledby': 'choose-title' },
    el('h2', { id: 'choose-title' }, say('choose-title')),
    el(
      'div',
      { class: 'drop', id: 'drop' },
      el('label', { for: 'choose' }, say('choose-label')),
      el('input', { type: 'file', id: 'choose', multiple: true, 'aria-describedby': 'choose-help', onchange: (event) => readChosen([...event.target.files]) }),
      el('p', { class: 'quiet', id: 'choose-help' }, say('choose-help')),
      el('label', { for: 'choose-folder' }, say('choose-folder-label')),
      el('input', { type: 'file', id: 'choose-folder', webkitdirectory: true, onchange: (event) => readFolder([...event.target.files]) }),
    ),
    state.message && el('p', { class: 'message', role: 'alert' }, state.message),
    state.busy && el('div', { class: 'working' }, el('progress', { id: 'progress', max: '1', value: '0', 'aria-label': say('checking') }), el('p', { id: 'progress-text' }, say('checking'))),
    state.files.length > 0 && !state.busy && el('p', {}, el('button', { type: 'button', id: 'again', onclick: startAgain }, say('start-again'))),
  );
}

function resultsOf() {
  if (state.busy) return null;
  const files = worstFirst();
  return [files.length > 1 && el('p', { class: 'summary' }, summaryOf()), files.map(resultOf)];
}

/** What came along and would say whom to trust. */
function askedOf() {
  if (state.busy || !state.asked.length) return null;
  const button = (one, how, name) => el('button', { type: 'button', id: `asked-${how}-${one.number}`, onclick: () => answer(one, how) }, say(name));
  const box = (one) => {
    const before = givenBefore(one);
    const keys = one.policy ? one.policy.logs : [one.vkey];
    return el(
      'div',
      { class: 'asked' },
      el('p', {}, tell(one.policy ? 'asked-policy' : 'asked-key', { name: code(one.name) })),
      keys.map((vkey) => [el('p', {}, code(vkey.name)), fingerprintOf(fingerprintOfText(vkey.text))]),
      before !== null && el('p', { class: 'warning' }, tell('asked-replaces', { name: code(before) })),
      el('p', {}, one.policy ? button(one, 'use', before === null ? 'asked-use' : 'asked-replace') : [button(one, 'log', 'asked-log'), ' ', button(one, 'auditor', 'asked-auditor')], ' ', button(one, 'leave', 'asked-leave')),
    );
  };
  return el('section', { class: 'trust', 'aria-labelledby': 'asked-title' }, el('h2', { id: 'asked-title', tabindex: '-1' }, say('asked-title')), state.asked.map(box));
}

function resultOf(file) {
  const { report } = file;
  const origin = report.checkpoint?.origin;
  const compared = report.trust?.how === 'compared';
  const anchor = anchorOf(report, {
    compared,
    id: `same-${file.number}`,
    onCompared: (yes) => {
      if (yes) state.trust.compared.set(origin, report.anchor.vkey);
      else state.trust.compared.delete(origin);
      checkAll();
    },
  });
  const plain = { ...report, verdict: report.verdict };
  return el(
    'article',
    { class: 'result', id: `result-${file.number}`, 'data-verdict': report.verdict, 'data-kind': report.kind },
    verdictBox(file, plain),
    el('div', { class: 'after' }, faultList(plain), unknownOf(plain), doubtsOf(plain), asideOf(plain), completenessOf(plain), factsOf(plain), anchor, notCheckedOf(plain), stepTable(plain), timelineOf(plain)),
    el(
      'p',
      { class: 'export' },
      el('button', { type: 'button', id: `export-${file.number}`, onclick: () => exportVerdict(file) }, say('export')),
      el('button', { type: 'button', id: `print-${file.number}`, onclick: () => window.print() }, say('print')),
    ),
  );
}

function trustBox() {
  const { policy, policyName, key, auditors, compared } = state.trust;
  const typed = vkeyOrNull(key.trim());
  const said = [
    policy && el('div', {}, el('p', {}, tell('trust-policy', { name: code(policyName) })), policy.logs.map((vkey) => [el('p', {}, code(vkey.name)), fingerprintOf(fingerprintOfText(vkey.text))])),
    !policy && typed && el('div', {}, el('p', {}, say('trust-key')), fingerprintOf(fingerprintOfText(typed.text))),
    !policy && !typed && [...compared.keys()].map((origin) => el('p', {}, tell('trust-compared', { origin: code(origin) }))),
    !policy && !typed && !compared.size && el('p', {}, say('trust-nobody')),
  ];
  const area = (id, value, set) => el('textarea', { id, rows: '2', dir: 'ltr', spellcheck: 'false', autocomplete: 'off', oninput: (event) => set(event.target.value) }, value);
  return el(
    'section',
    { class: 'trust', 'aria-labelledby': 'trust-title' },
    el('h2', { id: 'trust-title', tabindex: '-1' }, say('trust-title')),
    el('p', {}, say('trust-why')),
    el('div', { class: 'said' }, said),
    el('p', {}, el('label', { for: 'policy' }, say('policy-label')), el('input', { type: 'file', id: 'policy', onchange: async (event) => {
      for (const file of event.target.files) givePolicy(file.name, new Uint8Array(await file.arrayBuffer()));
      await checkAll();
    } })),
    el(
      'details',
      { id: 'typed' },
      el('summary', {}, say('typed-title')),
      el('p', {}, el('label', { for: 'key' }, say('key-label')), area('key', key, (text) => {
        state.trust.key = text;
      })),
      el('p', {}, el('label', { for: 'auditors' }, say('auditors-label')), area('auditors', auditors, (text) => {
        state.trust.auditors = text;
      })),
      el('p', {}, el('button', { type: 'button', id: 'use-keys', onclick: () => {
        const bad = [state.trust.key.trim(), ...state.trust.auditors.split(/\s+/)].some((text) => text && vkeyOrNull(text)?.type !== 1);
        state.message = bad ? tell('key-bad') : null;
        checkAll(!bad);
      } }, say('use-keys'))),
    ),
  );
}

const SAMPLE_ORDER = ['good.pack', 'erased.pack', 'older.pack', 'absent.pack', 'visit.tlog-proof', 'dropped.pack', 'swapped.pack', 'rewritten.pack', 'forged-witness.pack', 'false-erasure.pack', 'other-history.pack', 'fork', 'refusal'];

function samplesOf() {
  return el(
    'section',
    { class: 'samples', 'aria-labelledby': 'samples-title' },
    el(
      'details',
      { id: 'samples-details' },
      el('summary', { id: 'samples-title' }, say('samples-title')),
      el('p', {}, say('samples-why')),
      el('p', {}, el('button', { type: 'button', id: 'sample-policy', onclick: () => {
        givePolicy('policy', utf8(state.samples.policy));
        checkAll();
      } }, say('sample-policy'))),
      el(
        'ul',
        {},
        SAMPLE_ORDER.map((name) =>
          el('li', {}, el('button', { type: 'button', id: `sample-${name.replace('.', '-')}`, onclick: () => useSample(name) }, say(`sample-${name}`)), ' ', el('span', { class: 'quiet' }, say(`sample-${name}-about`))),
        ),
      ),
    ),
  );
}

function footerOf() {
  return el(
    'footer',
    {},
    el('p', {}, say('about')),
    el('p', {}, tell('about-script', { hash: code(scriptHash() ?? '–', 'long') })),
    el('p', {}, tell('about-catalogue', { name: code(CATALOGUE.name ?? '') })),
  );
}

/** The bytes of this page's own file: its template, filled with what stands in its elements. FORMAT.md 13. */
function ownPage(script) {
  const text = (id) => document.getElementById(id).textContent;
  const style = document.querySelector('style').textContent;
  const hash = (part) => base64(sha256(utf8(part)));
  const parts = {
    policy: `default-src 'none'; script-src 'sha256-${hash(script)}'; style-src 'sha256-${hash(style)}'; base-uri 'none'; form-action 'none'`,
    style,
    script,
  };
  return JSON.parse(text('template')).replace(/\{\{(\w+)\}\}/g, (_, name) => (Object.hasOwn(parts, name) ? parts[name] : text(name)));
}

function startPage() {
  OWN_PAGE = hexOf(sha256(utf8(ownPage(document.currentScript.textContent))));
  const data = (id) => JSON.parse(document.getElementById(id).textContent);
  CATALOGUE = data('catalogue');
  state.samples = data('samples');
  for (const [lang, text] of Object.entries(data('texts'))) words.all[lang] = JSON.parse(text);
  const asked = /lang=(\w+)/.exec(location.hash)?.[1];
  setLanguage(asked ?? (navigator.language ?? 'en').slice(0, 2));
  render();
  const ours = (event) => {
    event.preventDefault();
    document.getElementById('drop')?.classList.toggle('over', event.type === 'dragover');
  };
  for (const type of ['dragover', 'dragleave', 'drop']) document.addEventListener(type, ours);
  document.addEventListener('drop', (event) => readChosen([...(event.dataTransfer?.files ?? [])]));
  window.addEventListener('beforeprint', () => {
    // On paper nothing can be opened: every record is there.
    for (const more of document.querySelectorAll('.result button.more')) more.click();
    for (const details of document.querySelectorAll('.result details')) details.open = true;
  });
  window.verifier = Object.freeze(api);
}

if (typeof document !== 'undefined') startPage();
