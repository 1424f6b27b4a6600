// Signed notes and verifier keys. FORMAT.md 3.1 to 3.3.

/** A key name: no blank of any kind, no control character, no plus. */

const isKeyName = (text) => text.length > 0 && utf8(text).length <= LIMITS.keyName && !/[\p{White_Space}\p{Cc}+]/u.test(text);

/** Reads a note: its text with the last line end, and its signature lines in order. */
function readNote(bytes) {
  const whole = textOf(bytes);
  for (let i = 0; i < whole.length; i++) {
    const code = whole.charCodeAt(i);
    if (code < 0x20 && code !== 0x0a) refuse('control');
  }
  const gap = whole.lastIndexOf('\n\n');
  if (gap < 0 || !whole.endsWith('\n') || gap + 2 >= whole.length) refuse('note-form');
  const text = whole.slice(0, gap + 1);
  const lines = whole.slice(gap + 2, -1).split('\n');
  if (lines.length > LIMITS.noteLines) refuse('signature-count');
  const signatures = lines.map((line, i) => {
    const match = /^— ([^ ]+) ([^ ]+)$/u.exec(line);
    const decoded = match && isKeyName(match[1]) ? unbase64(match[2]) : null;
    if (!decoded || decoded.length < 5 || decoded.length > 1024) refuse('signature-line', { line: i + 1 });
    return { name: match[1], id: hexOf(decoded.subarray(0, 4)), signature: decoded.subarray(4), line };
  });
  return { text, bytes: utf8(text), signatures };
}

const KEY_TYPES = { 1: 'ed25519', 4: 'cosignature' };

/** Reads a verifier key. */
function readVkey(text) {
  const match = typeof text === 'string' && /^([^+]*)\+([0-9a-f]{8})\+([^]*)$/.exec(text);
  if (!match || !isKeyName(match[1])) refuse('vkey-form');
  const decoded = unbase64(match[3]);
  if (!decoded || decoded.length < 1) refuse('vkey-form');
  if (!KEY_TYPES[decoded[0]]) refuse('vkey-type');
  if (decoded.length !== 33) refuse('vkey-form');
  const id = hexOf(sha256(utf8(match[1]), byteOf10, decoded).subarray(0, 4));
  if (id !== match[2]) refuse('vkey-id');
  return { text, name: match[1], id, type: decoded[0], bytes: decoded.slice(1) };
}

const byteOf10 = Uint8Array.of(0x0a);

/** A holder's key is `<origin>/<party>/<holder>`. */
function holderOf(name, origin) {
  if (!name.startsWith(`${origin}/`)) return null;
  const parts = name.slice(origin.length + 1).split('/');
  return parts.length === 2 && parts.every(isId) ? { party: parts[0], holder: parts[1] } : null;
}

const CONSONANTS = 'bdfghjklmnprstvz';
const VOWELS = 'aiou';

/** Six numbers and six words of 12 bytes, to be compared by telephone or on paper. FORMAT.md 10.6. */
function fingerprint(hash) {
  const numbers = [];
  const words = [];
  for (let i = 0; i < 12; i += 2) {
    const n = (hash[i] << 8) | hash[i + 1];
    numbers.push(String(n).padStart(5, '0'));
    words.push(
      CONSONANTS[n >> 12] + VOWELS[(n >> 10) & 3] + CONSONANTS[(n >> 6) & 15] + VOWELS[(n >> 4) & 3] + CONSONANTS[n & 15],
    );
  }
  return { words: words.join(' '), numbers: numbers.join(' ') };
}

const fingerprintOfText = (text) => fingerprint(sha256(utf8(text)));
