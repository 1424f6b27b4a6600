// Checkpoints, cosignatures, auditors' statements, refusals. FORMAT.md 10, 14.1.

/** A checkpoint's text: three lines, nothing more. */
function readCheckpointText(text) {
  if (!text.endsWith('\n')) refuse('lines');
  const lines = text.slice(0, -1).split('\n');
  if (lines.length !== 3) refuse('lines');
  const [origin, size, root] = [lines[0], decimal(lines[1]), hash64(lines[2])];
  if (!isOrigin(origin)) refuse('origin');
  if (size === null) refuse('size');
  if (!root) refuse('root');
  return { origin, size, root };
}

/** A checkpoint of its note. */
function readCheckpoint(bytes) {
  const note = readNote(bytes);
  return { ...readCheckpointText(note.text), note };
}

const STATEMENT_MAGIC = 'oversight-index-recomputed/v1';

/** An auditor's statement that the index was recomputed up to a size. */
function readStatement(bytes) {
  const note = readNote(bytes);
  const lines = note.text.slice(0, -1).split('\n');
  if (lines.length !== 4 || lines[0] !== STATEMENT_MAGIC) refuse('statement-form');
  const [origin, size, root] = [lines[1], decimal(lines[2]), hash64(lines[3])];
  if (!isOrigin(origin) || size === null || !root) refuse('statement-form');
  return { origin, size, root, note };
}

const REFUSAL_MAGIC = 'oversight-refusal/v1';

/** The receipt of a refusal. */
function readRefusal(bytes) {
  const note = readNote(bytes);
  const lines = note.text.slice(0, -1).split('\n');
  if (lines.length < 6 || lines[0] !== REFUSAL_MAGIC) refuse('refusal-form');
  const [origin, event, at, number] = [lines[1], lines[2], lines[3], decimal(lines[4])];
  if (!isOrigin(origin) || !hash16(event) || !isInstant(at) || number === null || number > 16n) refuse('refusal-form');
  return { origin, event, at, number: Number(number), words: lines.slice(5).join('\n'), note };
}

/** Keys that bytes gave, once taken; null if they may not be. */
const takenKeys = new Map();
function keyOf(vkey) {
  const name = hexOf(vkey.bytes);
  if (!takenKeys.has(name)) {
    if (takenKeys.size > 10000) takenKeys.clear();
    takenKeys.set(name, takenKey(vkey.bytes));
  }
  return takenKeys.get(name);
}

const linesOf = (note, vkey) => note.signatures.filter((line) => line.name === vkey.name && line.id === vkey.id);

/** Whether a note bears a signature by a key of type 0x01 that holds without the cofactor too. */
function signedStrictly(note, vkey) {
  const key = keyOf(vkey);
  return key !== null && linesOf(note, vkey).some((line) => signatureHoldsStrictly(key, note.bytes, line.signature));
}

/** Seconds at which a witness says it saw a checkpoint, or null. */
function cosignedAt(note, vkey) {
  const key = keyOf(vkey);
  if (!key) return null;
  for (const { signature } of linesOf(note, vkey)) {
    if (signature.length !== 72) continue;
    const time = new DataView(signature.buffer, signature.byteOffset).getBigUint64(0);
    const text = utf8(`cosignature/v1\ntime ${time}\n${note.text}`);
    if (signatureHoldsStrictly(key, text, signature.subarray(8))) return time;
  }
  return null;
}
