// Bytes and their one spelling. FORMAT.md 1.1, 1.5, 1.6.

/** Why something is not read, or does not hold: a code for programs, values for the words around it. */
class Refused extends Error {
  constructor(code, values = {}) {
    super(code);
    this.code = code;
    this.values = values;
  }
}

const refuse = (code, values) => {
  throw new Refused(code, values);
};

/** Longest of everything that can grow; FORMAT.md 1.5, and what a browser's memory bears. */
const LIMITS = {
  entry: 65535,
  text: 8192,
  id: 128,
  list: 256,
  nesting: 8,
  noteLines: 64,
  keyName: 400,
  proof: 63,
  line: 1 << 20,
  sealed: 131072,
  policy: 64 << 20,
  document: 16 << 20,
  // A pack may have 1 GiB, a bundle more; a browser shall not die of either.
  file: 256 << 20,
  bundle: 512 << 20,
  entries: 100000,
};

const utf8Encoder = new TextEncoder();
const utf8Decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const utf8 = (text) => utf8Encoder.encode(text);

/** Text of strict UTF-8; a byte order mark stays what it is, a character. */
function textOf(bytes) {
  try {
    return utf8Decoder.decode(bytes);
  } catch {
    return refuse('utf8');
  }
}

function joined(parts) {
  let length = 0;
  for (const part of parts) length += part.length;
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function sameBytes(a, b) {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

function hexOf(bytes) {
  let text = '';
  for (const byte of bytes) text += HEX[byte];
  return text;
}

/** Bytes of lower-case hex, or null. */
function unhex(text) {
  if (typeof text !== 'string' || text.length % 2 || !/^[0-9a-f]*$/.test(text)) return null;
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(text.substr(2 * i, 2), 16);
  return bytes;
}

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const BASE64_URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const base64Table = (alphabet) => {
  const table = new Int8Array(128).fill(-1);
  for (let i = 0; i < 64; i++) table[alphabet.charCodeAt(i)] = i;
  return table;
};
const BASE64_TABLE = base64Table(BASE64);
const BASE64_URL_TABLE = base64Table(BASE64_URL);

function unbase(text, table) {
  if (text.length % 4 === 1) return null;
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let [bits, held, at] = [0, 0, 0];
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const six = code < 128 ? table[code] : -1;
    if (six < 0) return null;
    held = ((held << 6) | six) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = (held >> bits) & 0xff;
    }
  }
  return held & ((1 << bits) - 1) ? null : bytes; // the unused bits are zero
}

/** Bytes of base64 with padding, or null. */
function unbase64(text) {
  if (typeof text !== 'string' || text.length % 4) return null;
  const plain = text.endsWith('==') ? text.slice(0, -2) : text.endsWith('=') ? text.slice(0, -1) : text;
  return unbase(plain, BASE64_TABLE);
}

/** Bytes of base64url without padding, or null. */
const unbase64url = (text) => unbase(text, BASE64_URL_TABLE);

function base(bytes, alphabet) {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const three = (bytes[i] << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    const chars = alphabet[three >> 18] + alphabet[(three >> 12) & 63] + alphabet[(three >> 6) & 63] + alphabet[three & 63];
    text += chars.slice(0, Math.min(3, bytes.length - i) + 1);
  }
  return text;
}

function base64(bytes) {
  const text = base(bytes, BASE64);
  return text + '='.repeat((4 - (text.length % 4)) % 4);
}

const base64url = (bytes) => base(bytes, BASE64_URL);

/** 32 bytes of base64, or null. */
function hash64(text) {
  const bytes = unbase64(text);
  return bytes && bytes.length === 32 ? bytes : null;
}

/** 32 bytes of hex, or null. */
function hash16(text) {
  return typeof text === 'string' && text.length === 64 ? unhex(text) : null;
}

const U64_MAX = (1n << 64n) - 1n;

/** A u64 in decimal as a BigInt, or null. */
function decimal(text) {
  if (!/^(0|[1-9][0-9]{0,19})$/.test(text)) return null;
  const number = BigInt(text);
  return number <= U64_MAX ? number : null;
}

function u64Bytes(number) {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(number));
  return bytes;
}

const isId = (text) => typeof text === 'string' && /^[A-Za-z0-9._:-]{1,128}$/.test(text);
const isOrigin = (text) =>
  typeof text === 'string' &&
  /^[a-z0-9./-]{1,100}$/.test(text) &&
  !text.startsWith('/') &&
  !text.endsWith('/') &&
  !text.includes('//');

/** Lets the page breathe in the middle of long work. */
const breath = (() => {
  let last = Date.now();
  return async () => {
    if (Date.now() - last < 40) return;
    await new Promise((resolve) => setTimeout(resolve, 0));
    last = Date.now();
  };
})();
