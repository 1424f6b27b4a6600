// Receipts, manifests, archives, forks. FORMAT.md 13, 14.1, 14.3.

const RECEIPT_MAGIC = 'c2sp.org/tlog-proof@v1';

/** A receipt: the entry's bytes if it shows them, its place, the proof, the checkpoint. */
function readReceipt(bytes) {
  const text = textOf(bytes);
  const lines = text.split('\n');
  const at = (line) => refuse('line', { line });
  if (lines[0] !== RECEIPT_MAGIC) at(1);
  let line = 1;
  let entry = null;
  if (lines[line]?.startsWith('extra ')) {
    entry = unbase64(lines[line].slice(6));
    if (!entry || !entry.length || entry.length > LIMITS.entry) at(line + 1);
    line++;
  }
  const index = lines[line]?.startsWith('index ') ? decimal(lines[line].slice(6)) : null;
  if (index === null) at(line + 1);
  const proof = [];
  for (line++; lines[line] !== '' && line < lines.length; line++) {
    const hash = hash64(lines[line]);
    if (!hash || proof.length === LIMITS.proof) at(line + 1);
    proof.push(hash);
  }
  if (line >= lines.length - 1) at(line + 1);
  const note = utf8(lines.slice(line + 1).join('\n'));
  return { entry, index, proof, checkpoint: readCheckpoint(note) };
}

const isPath = (path) =>
  /^[A-Za-z0-9._/-]{1,255}$/.test(path) && path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');

/** A manifest: digests by path, sorted. */
function readManifest(bytes) {
  if (bytes.length > LIMITS.policy) refuse('too-long');
  const text = textOf(bytes);
  const files = new Map();
  if (text === '') return files;
  const lines = text.split('\n');
  if (lines.at(-1) !== '') refuse('line', { line: lines.length });
  lines.pop();
  let before = null;
  lines.forEach((line, i) => {
    const match = /^([0-9a-f]{64}) {2}(.+)$/.exec(line);
    if (!match || !isPath(match[2]) || match[2] === 'manifest') refuse('line', { line: i + 1 });
    if (before !== null && match[2] <= before) refuse('line', { line: i + 1 });
    before = match[2];
    files.set(match[2], unhex(match[1]));
  });
  return files;
}

const asciiOf = (bytes) => {
  let text = '';
  for (const byte of bytes) {
    if (byte === 0) break;
    text += String.fromCharCode(byte);
  }
  return text;
};

/** Whether bytes begin as a tar does. */
const looksLikeTar = (bytes) => bytes.length >= 512 && asciiOf(bytes.subarray(257, 262)) === 'ustar';

/** Files of a ustar archive, by path; regular files only, no path twice. */
function readTar(bytes) {
  const files = new Map();
  let at = 0;
  const bad = (offset) => refuse('tar', { offset });
  while (at + 512 <= bytes.length) {
    const head = bytes.subarray(at, at + 512);
    if (head.every((byte) => byte === 0)) {
      // What follows the end is no part of the archive.
      return files;
    }
    const octal = (from, to) => {
      const digits = asciiOf(head.subarray(from, to)).replace(/^ +| +$/g, '');
      return /^[0-7]{1,11}$/.test(digits) ? parseInt(digits, 8) : bad(at);
    };
    let sum = 0;
    for (let i = 0; i < 512; i++) sum += i >= 148 && i < 156 ? 32 : head[i];
    if (asciiOf(head.subarray(257, 262)) !== 'ustar' || octal(148, 156) !== sum) bad(at);
    if (head[156] !== 0x30 && head[156] !== 0) bad(at);
    const prefix = asciiOf(head.subarray(345, 500));
    const path = (prefix ? `${prefix}/` : '') + asciiOf(head.subarray(0, 100));
    const size = octal(124, 136);
    if ((!isPath(path) && strayOf(path) === null) || files.has(path) || at + 512 + size > bytes.length) bad(at);
    files.set(path, bytes.subarray(at + 512, at + 512 + size));
    at += 512 + Math.ceil(size / 512) * 512;
  }
  // The zeros that fill the last file, and those of the end, may have been taken off.
  return at >= bytes.length ? files : bad(at);
}

/** Lines of JSON Lines, each with its line end, none longer than it may be. */
function jsonLines(bytes) {
  if (bytes.length > LIMITS.file) refuse('too-long');
  const lines = [];
  let from = 0;
  while (from < bytes.length) {
    const end = bytes.indexOf(0x0a, from);
    const line = lines.length + 1;
    if (end < 0 || end + 1 - from > LIMITS.line) refuse('line', { line });
    let value;
    try {
      value = readJson(textOf(bytes.subarray(from, end)));
    } catch {
      refuse('line', { line });
    }
    if (!isObject(value)) refuse('line', { line });
    lines.push(value);
    from = end + 1;
  }
  return lines;
}

function readHashes(list) {
  return Array.isArray(list) && list.length <= LIMITS.proof ? readDigests(list) : null;
}

/** Evidence of a fork. */
function readFork(bytes) {
  const lines = jsonLines(bytes);
  const at = (line) => refuse('line', { line });
  if (!hasMembers(lines[0], ['fork']) || lines[0].fork !== 'oversight-fork/v1') at(1);
  if (lines.length < 3 || lines.length > 4) at(lines.length);
  const checkpoints = [1, 2].map((i) => {
    if (!hasMembers(lines[i], ['checkpoint']) || typeof lines[i].checkpoint !== 'string') at(i + 1);
    return readCheckpoint(utf8(lines[i].checkpoint));
  });
  let prefix = null;
  if (lines[3]) {
    const { prefix: given } = lines[3];
    if (!hasMembers(lines[3], ['prefix']) || !hasMembers(given, ['proof', 'root'])) at(4);
    prefix = { proof: readHashes(given.proof), root: hash64(given.root) };
    if (!prefix.proof || !prefix.root) at(4);
  }
  return { checkpoints, prefix };
}
