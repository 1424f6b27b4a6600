// What happens to a file on its way: an editor that saves it, a mail program, a copy that broke off, a log-in page in its
// place. None of that is a lie, and none of it is accepted. FORMAT.md 1.7.

const DASH = '\u2014 ';
const MOJIBAKE = '\u00e2\u20ac\u201d ';
const DASHES = ['--- ', '-- ', '- ', '\u2013 ', '\u2015 ', '\u2212 '];
const BLANK_END = /[ \t\u00a0]+$/;

/** UTF-16 by its mark, or by the zeros that ASCII has in it; null if it is none. */
function fromUtf16(bytes) {
  const [a, b, c, d] = bytes;
  let big = null;
  let from = 2;
  if (a === 0xff && b === 0xfe) big = false;
  else if (a === 0xfe && b === 0xff) big = true;
  else {
    from = 0;
    if (bytes.length >= 4 && a && !b && c && !d) big = false;
    else if (bytes.length >= 4 && !a && b && !c && d) big = true;
  }
  if (big === null) return null;
  const whole = from + Math.floor((bytes.length - from) / 2) * 2;
  try {
    return new TextDecoder(big ? 'utf-16be' : 'utf-16le', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(from, whole));
  } catch {
    return null;
  }
}

/** UTF-8, or text of which an editor saved the dashes in the encoding of its country. */
function fromUtf8(bytes, changes) {
  try {
    return utf8Decoder.decode(bytes);
  } catch {
    const parts = [];
    let from = 0;
    bytes.forEach((byte, at) => {
      const begins = at === 0 || bytes[at - 1] === 0x0a || bytes[at - 1] === 0x0d;
      if (!begins || (byte !== 0x97 && byte !== 0xd1) || bytes[at + 1] !== 0x20) return;
      parts.push(bytes.subarray(from, at), utf8('\u2014'));
      from = at + 1;
    });
    if (!parts.length) return null;
    parts.push(bytes.subarray(from));
    changes.add('dashes');
    try {
      return utf8Decoder.decode(joined(parts));
    } catch {
      return null;
    }
  }
}

function isSignatureLine(line) {
  try {
    readNote(utf8(`x\n\n${line}\n`));
    return true;
  } catch {
    return false;
  }
}

function mendDashes(text, changes) {
  if (text.includes(MOJIBAKE)) {
    changes.add('dashes');
    text = text.replaceAll(MOJIBAKE, DASH);
  }
  if (!DASHES.some((dash) => text.includes(`\n${dash}`))) return text;
  return text
    .split('\n')
    .map((line) => {
      const dash = DASHES.find((one) => line.startsWith(one));
      const mended = dash && DASH + line.slice(dash.length);
      if (!mended || !isSignatureLine(mended)) return line;
      changes.add('dashes');
      return mended;
    })
    .join('\n');
}

const CHANGES = ['utf16', 'mark', 'before', 'twice', 'crlf', 'cr', 'blanks', 'dashes', 'filler', 'ends-more', 'end-lost'];

/** Text without the zeros and the Ctrl-Z at its end, whatever stands between and after them. */
function unfilled(text) {
  let end = text.length;
  let filled = text.length;
  while (end && '\0\x1a\r\n \t'.includes(text[end - 1])) if ('\0\x1a'.includes(text[--end])) filled = end;
  return text.slice(0, filled);
}

/** CR before LF taken away, however many. */
const withoutCr = (text) =>
  text
    .split('\n')
    .map((line, i, all) => {
      let end = line.length;
      while (i + 1 < all.length && end && line[end - 1] === '\r') end--;
      return line.slice(0, end);
    })
    .join('\n');

/** Whether a text of lines stands there twice. */
const isTwice = (text) => text.length > 0 && text.length % 2 === 0 && text[text.length / 2 - 1] === '\n' && text.startsWith(text.slice(text.length / 2));

/** Something of the ledger's, as long as a hash in base64, stands in bytes: then they were a file of it once. */
function hasSubstance(bytes) {
  let run = 0;
  for (const byte of bytes) {
    if (byte === 0) continue;
    const in64 = (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a) || byte === 0x2b || byte === 0x2f;
    run = in64 ? run + 1 : 0;
    if (run >= 43) return true;
  }
  return false;
}

/**
 * A text as it may have been, and what was undone; null if there is nothing to undo, or the bytes are no text. `end`
 * says whether its end is mended too: one line end; `beginning` whether empty lines before it are taken away.
 */
function undo(bytes, end = true, beginning = true) {
  const changes = new Set();
  let text = fromUtf16(bytes);
  if (text !== null) changes.add('utf16');
  else text = fromUtf8(bytes, changes);
  if (text === null) return null;
  const change = (name, mended) => {
    if (mended !== text) changes.add(name);
    text = mended;
  };
  let marks = 0;
  while (text[marks] === '\ufeff') marks++;
  change('mark', text.slice(marks));
  change('filler', unfilled(text));
  if (text.includes('\r\n')) change('crlf', withoutCr(text));
  change('cr', text.replaceAll('\r', '\n'));
  if (/[ \t\u00a0]/.test(text)) change('blanks', text.split('\n').map((line) => (BLANK_END.test(line.slice(-1)) ? line.replace(BLANK_END, '') : line)).join('\n'));
  let before = 0;
  while (text[before] === '\n') before++;
  if (beginning) change('before', text.slice(before));
  if (beginning && isTwice(text)) change('twice', text.slice(0, text.length / 2));
  text = mendDashes(text, changes);
  if (end) {
    let body = text.length;
    while (body && text[body - 1] === '\n') body--;
    if (body && text.length === body) change('end-lost', `${text}\n`);
    else if (body && text.length > body + 1) change('ends-more', text.slice(0, body + 1));
  }
  return changes.size ? { bytes: utf8(text), changes: CHANGES.filter((name) => changes.has(name)) } : null;
}

const INSTEAD = [
  ['zip', 'PK\x03\x04'],
  ['zip', 'PK\x05\x06'],
  ['gzip', '\x1f\x8b'],
  ['packed', '7z\xbc\xaf\x27\x1c'],
  ['packed', 'Rar!\x1a\x07'],
  ['packed', 'BZh'],
  ['packed', '\xfd7zXZ\0'],
  ['packed', '\x28\xb5\x2f\xfd'],
  ['packed', '\x1f\x9d'],
  ['document', '%PDF'],
  ['document', '{\\rtf'],
  ['document', '\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1'],
  ['pointer', 'version https://git-lfs'],
  ['pointer', '/annex/objects/'],
  ['pointer', '../.git/annex/'],
  ['encrypted', 'age-encryption.org/'],
  ['encrypted', '-----BEGIN AGE ENCRYPTED FILE'],
  ['shortcut', '[InternetShortcut]'],
  ['shortcut', '[Desktop Entry]'],
];

/** What lies there instead, where bytes are none of the ledger's files; null if nothing known. */
function insteadOf(bytes) {
  if (!bytes.length) return 'empty';
  if (bytes.every((byte) => byte === 0)) return 'zeros';
  const head = bytes.subarray(0, 4096);
  const latin = String.fromCharCode(...head.subarray(0, 64));
  const begins = INSTEAD.find(([, start]) => latin.startsWith(start));
  if (begins) return begins[0];
  const text = (fromUtf16(head) ?? new TextDecoder().decode(head)).replace(/^\ufeff/, '').trimStart().toLowerCase();
  if (!text) return bytes.length <= head.length ? 'empty' : null;
  const is = (...starts) => starts.some((start) => text.startsWith(start));
  if (is('\u003c!doctype html', '<html', '<head', '<body', '<script', '<' + '!--')) return 'page';
  if (is('<?xml')) return text.includes('<html') ? 'page' : 'document';
  if (is('return-path:', 'received:', 'delivered-to:', 'mime-version:', 'from:', 'message-id:', 'x-')) return 'mail';
  if (is('{') && ((text.includes('"status":') && text.includes('"title":')) || text.includes('"error":'))) return 'problem';
  return null;
}

/** Text as far as it is UTF-8, where only a character at its end is torn; null if it is none. */
function textUntilTorn(bytes) {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes, { stream: true });
  } catch {
    return null;
  }
}

/** The whole lines of a text, and what follows them. */
function wholeLines(text) {
  const at = text.lastIndexOf('\n') + 1;
  return [text.slice(0, at), text.slice(at)];
}

const linesIn = (whole) => (whole === '' ? [] : whole.slice(0, -1).split('\n'));
const startsOf = (rest, start) => rest.startsWith(start) || start.startsWith(rest);

function packIsCut(text) {
  const [whole, rest] = wholeLines(text);
  if (!whole) return rest.startsWith('{"audience":');
  const begins = rest === '' || startsOf(rest, '{"');
  let pack;
  try {
    pack = readPack(utf8(whole));
  } catch (error) {
    return begins && error.code === 'order' && error.values.line === linesIn(whole).length + 1;
  }
  const short = pack.map && pack.items.length < pack.map.count && !pack.keys.length;
  return begins && (rest !== '' || Boolean(short));
}

const isDecimal = (line) => decimal(line) !== null;
const isHashLine = (line) => hash64(line) !== null;
const CHECKPOINT_LINES = [isOrigin, isDecimal, isHashLine];
const STATEMENT_LINES = [(line) => line === STATEMENT_MAGIC, ...CHECKPOINT_LINES];
const REFUSAL_LINES = [(line) => line === REFUSAL_MAGIC, isOrigin, (line) => hash16(line) !== null, isInstant, isDecimal, (line) => line !== ''];

function noteIsCut(text, torn, tests) {
  const [whole, rest] = wholeLines(text);
  const lines = linesIn(whole);
  for (const [i, test] of tests.entries()) {
    if (i >= lines.length) return true;
    if (!test(lines[i])) return false;
  }
  if (lines.length === tests.length) return true;
  if (lines[tests.length] !== '') return false;
  const signatures = lines.slice(tests.length + 1);
  if (!signatures.every(isSignatureLine)) return false;
  return rest === '' ? torn || !signatures.length : startsOf(rest, DASH);
}

/** Whether the first lines of a receipt are such, and whether they have the index; null if they are not. */
function receiptLines(lines) {
  if (!lines.length) return false;
  if (lines[0] !== RECEIPT_MAGIC) return null;
  let indexed = false;
  for (const [i, line] of lines.entries()) {
    if (!i) continue;
    if (line.startsWith('extra ')) {
      if (i !== 1 || !unbase64(line.slice(6))) return null;
    } else if (line.startsWith('index ') && !indexed) {
      indexed = true;
      if (!isDecimal(line.slice(6))) return null;
    } else if (!indexed || !isHashLine(line)) return null;
  }
  return indexed;
}

function receiptIsCut(text, torn) {
  const [whole, rest] = wholeLines(text);
  const gap = whole.indexOf('\n\n');
  if (gap >= 0) return receiptLines(whole.slice(0, gap).split('\n')) === true && noteIsCut(whole.slice(gap + 2) + rest, torn, CHECKPOINT_LINES);
  const lines = linesIn(whole);
  const indexed = receiptLines(lines);
  if (indexed === null) return false;
  const base64Only = (part) => /^[A-Za-z0-9+/=]*$/.test(part);
  const oneOf = (...starts) => starts.some((start) => start.startsWith(rest) || (rest.startsWith(start) && base64Only(rest.slice(start.length))));
  if (!lines.length) return rest !== '' && RECEIPT_MAGIC.startsWith(rest);
  if (lines.length === 1) return oneOf('extra ', 'index ');
  if (lines.length === 2 && !indexed) return oneOf('index ');
  return base64Only(rest);
}

function forkIsCut(text, torn) {
  const [whole, rest] = wholeLines(text);
  const first = '{"fork":"oversight-fork/v1"}';
  const lines = linesIn(whole);
  const isJson = (line) => {
    try {
      return isObject(readJson(line));
    } catch {
      return false;
    }
  };
  const good = lines.every((line, i) => (i === 0 ? line === first : i < 3 && line.startsWith('{"checkpoint":') && isJson(line)));
  const begins = !lines.length ? rest !== '' && first.startsWith(rest) : lines.length < 3 ? rest === '' || startsOf(rest, '{"c') : startsOf(rest, '{"p');
  return good && begins && (torn || lines.length < 3);
}

/** Whether bytes are the beginning of a file of that kind, and nothing else: then it was cut. */
function isCut(kind, bytes) {
  const text = textUntilTorn(bytes);
  if (text === null) return false;
  const torn = bytes.at(-1) !== 0x0a;
  if (kind === 'pack') return packIsCut(text);
  if (kind === 'receipt') return receiptIsCut(text, torn);
  if (kind === 'refusal') return noteIsCut(text, torn, REFUSAL_LINES);
  if (kind === 'checkpoint') return noteIsCut(text, torn, CHECKPOINT_LINES);
  if (kind === 'statement') return noteIsCut(text, torn, STATEMENT_LINES);
  if (kind === 'fork') return forkIsCut(text, torn);
  return torn;
}

/** Whether the last signature of a note is shorter than a signature can be, though it reads as a line. */
function endsInSignature(kind, bytes) {
  if (!['receipt', 'refusal', 'checkpoint', 'statement'].includes(kind)) return false;
  const line = new TextDecoder().decode(bytes).replace(/\n$/, '').split('\n').at(-1);
  try {
    return readNote(utf8(`x\n\n${line}\n`)).signatures.some(({ signature }) => signature.length !== 64 && signature.length !== 72);
  } catch {
    return false;
  }
}

/** Why a policy cannot be used: what an editor or its way did to it, or else what is wrong with it. */
function policyTrouble(bytes, error) {
  const instead = insteadOf(bytes);
  if (instead) return { code: `instead-${instead}` };
  const undone = undo(bytes);
  try {
    if (undone && readPolicy(undone.bytes)) return { code: 'policy-changed', values: { changes: undone.changes } };
  } catch {
    // However it is mended it reads as no policy.
  }
  return error;
}

/**
 * Whether all that is wrong with a pack is that keys are missing which its last lines would bring: lines of keys stand
 * in the order of the log, so a cut takes the last.
 */
function keysAreCut(bytes, { faults }) {
  let pack;
  try {
    pack = readPack(bytes);
  } catch {
    return false;
  }
  const last = pack.keys.at(-1)?.index ?? -1;
  const lacks = ({ code, entry }) => (code === 'no-genesis' && last < 0) || (code === 'key-not-brought' && entry > last);
  // What was not admitted erases nothing.
  return faults.some(lacks) && faults.every((fault) => lacks(fault) || fault.code === 'not-erased');
}

/** What is wrong with the form of a file, as a code. */
const formOf = ({ code, values = {} }) => [code, ...Object.values(values)].join(' ');

/** Kinds of file that are one text, which its way may change. */
const TEXTS = ['pack', 'receipt', 'refusal', 'checkpoint', 'statement', 'fork', 'policy'];

/**
 * Checks a file; where it does not hold, checks it once more without what its way did to it. A file that holds then is
 * no lie, and one that broke off is none either: nothing can be told of it, and why is said.
 */
async function judgeText(kind, bytes, check) {
  const plain = await check(bytes);
  if (!plain.faultCount || !TEXTS.includes(kind)) return plain;
  const undone = undo(bytes);
  if (undone) {
    const mended = await check(undone.bytes);
    const { changes } = undone;
    if (!mended.faultCount) {
      mended.unknown.unshift({ code: 'changed', values: { changes } });
      mended.head = null;
      mended.records = [];
      mended.complete = null;
      return mended;
    }
    const short = (changes.includes('end-lost') && (endsInSignature(kind, undone.bytes) || (kind === 'pack' && isCut(kind, undone.bytes)))) || (kind === 'pack' && keysAreCut(undone.bytes, mended));
    if (!short && mended.faults[0].name !== 'form') {
      mended.notChecked.unshift({ code: 'changed', values: { changes } });
      return mended;
    }
  }
  const instead = insteadOf(bytes);
  if (instead) plain.setAside(`instead-${instead}`);
  else if (isCut(kind, undo(bytes, false)?.bytes ?? bytes)) plain.setAside('cut');
  else if (kind === 'pack' && keysAreCut(bytes, plain)) plain.setAside('cut');
  else if (bytes.includes(0)) plain.setAside('zeroed');
  else if (plain.faults[0].name === 'form' && hasSubstance(bytes)) plain.setAside('no-form', { code: formOf(plain.faults[0]) });
  return plain;
}
