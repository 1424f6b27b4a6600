// The law of signatures. FORMAT.md 3.4.
//
// The checks on A, R and S come first, always: some browsers accept any message under a key of small order. Then the
// browser may say yes; whatever it refuses, or where it does not know Ed25519, is decided here, with the cofactor.

const P = (1n << 255n) - 19n;
const ORDER = (1n << 252n) + 27742317777372353535851937790883648493n;

const mod = (n) => {
  const rest = n % P;
  return rest < 0n ? rest + P : rest;
};

function power(n, exponent) {
  let [result, square] = [1n, mod(n)];
  for (let e = exponent; e; e >>= 1n) {
    if (e & 1n) result = (result * square) % P;
    square = (square * square) % P;
  }
  return result;
}

const CURVE_D = mod(-121665n * power(121666n, P - 2n));
const ROOT_OF_MINUS_ONE = power(2n, (P - 1n) / 4n);

function littleEndian(bytes) {
  let number = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) number = (number << 8n) | BigInt(bytes[i]);
  return number;
}

/** A root of u/v, or null. */
function rootOfRatio(u, v) {
  const v3 = (v * v * v) % P;
  let x = (u * v3 * power(u * v3 * v3 * v, (P - 5n) / 8n)) % P;
  const check = (v * x * x) % P;
  if (check === mod(-u)) x = (x * ROOT_OF_MINUS_ONE) % P;
  else if (check !== mod(u)) return null;
  return x;
}

/** y and the sign of x, where the encoding is canonical, else null. */
function canonicalPoint(bytes) {
  const sign = bytes[31] >> 7;
  const y = littleEndian(bytes) & ((1n << 255n) - 1n);
  if (y >= P || (sign && (y === 1n || y === P - 1n))) return null;
  return { y, sign };
}

/** The point (X : Y : Z : T), or null if there is none. */
function decompressed({ y, sign }) {
  const y2 = (y * y) % P;
  let x = rootOfRatio(mod(y2 - 1n), mod(CURVE_D * y2 + 1n));
  if (x === null) return null;
  if (Number(x & 1n) !== sign) x = mod(-x);
  return [x, y, 1n, (x * y) % P];
}

function plus([x1, y1, z1, t1], [x2, y2, z2, t2]) {
  const a = ((y1 - x1) * (y2 - x2)) % P;
  const b = ((y1 + x1) * (y2 + x2)) % P;
  const c = (((2n * t1 * t2) % P) * CURVE_D) % P;
  const d = (2n * z1 * z2) % P;
  const [e, f, g, h] = [b - a, d - c, d + c, b + a];
  return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)];
}

function twice([x, y, z]) {
  const a = (x * x) % P;
  const b = (y * y) % P;
  const c = (2n * z * z) % P;
  const h = a + b;
  const e = h - (((x + y) * (x + y)) % P);
  const g = a - b;
  const f = c + g;
  return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)];
}

const minus = ([x, y, z, t]) => [mod(-x), y, z, mod(-t)];
const NEUTRAL = [0n, 1n, 1n, 0n];
const isNeutral = ([x, y, z]) => mod(x) === 0n && mod(y - z) === 0n;

const sixteen = (point) => {
  const table = [NEUTRAL, point];
  for (let i = 2; i < 16; i++) table.push(plus(table[i - 1], point));
  return table;
};
const BASE_TABLE = sixteen(decompressed({ y: (4n * power(5n, P - 2n)) % P, sign: 0 }));

/** [s]B + [k]A. */
function twoProducts(s, k, point) {
  const table = sixteen(point);
  let sum = NEUTRAL;
  for (let shift = 252n; shift >= 0n; shift -= 4n) {
    for (let i = 0; i < 4; i++) sum = twice(sum);
    sum = plus(sum, BASE_TABLE[Number((s >> shift) & 15n)]);
    sum = plus(sum, table[Number((k >> shift) & 15n)]);
  }
  return sum;
}

/** y of the points of order 8: of those of order 1, 2 and 4 it is 1, -1 and 0. */
const SMALL_ORDER_Y = (() => {
  // d y^4 + 2 y^2 - 1 = 0 where twice the point has y = 0.
  const inverse = power(CURVE_D, P - 2n);
  const found = [0n, 1n, P - 1n];
  const root = rootOfRatio(mod(1n + CURVE_D), 1n);
  if (root === null) return found;
  for (const sign of [1n, -1n]) {
    const y = rootOfRatio(mod((sign * root - 1n) * inverse), 1n);
    if (y !== null) found.push(y, mod(-y));
  }
  return found;
})();

/** A key that may be taken: canonical, on the curve, not of small order; else null. */
function takenKey(bytes) {
  if (bytes.length !== 32) return null;
  const encoded = canonicalPoint(bytes);
  if (!encoded || SMALL_ORDER_Y.includes(encoded.y)) return null;
  const point = decompressed(encoded);
  return point && { bytes, point, native: undefined };
}

const subtleOf = () => (typeof crypto === 'undefined' ? undefined : crypto.subtle);

/** Whether the browser says yes. No is no answer: its law may be narrower than ours. */
async function browserHolds(key, text, signature) {
  const subtle = subtleOf();
  if (!subtle || key.native === null) return false;
  try {
    key.native ??= await subtle.importKey('raw', key.bytes, { name: 'Ed25519' }, false, ['verify']);
    return await subtle.verify({ name: 'Ed25519' }, key.native, signature, text);
  } catch {
    key.native = null;
    return false;
  }
}

/** R, S as they may be, or null. */
function signatureParts(signature) {
  if (signature.length !== 64) return null;
  const s = littleEndian(signature.subarray(32));
  const r = canonicalPoint(signature.subarray(0, 32));
  return r && s < ORDER ? { r, s } : null;
}

function equationHolds(key, text, signature, { r, s }, cofactor) {
  const point = decompressed(r);
  if (!point) return false;
  const k = littleEndian(sha512(signature.subarray(0, 32), key.bytes, text)) % ORDER;
  let rest = plus(plus(twoProducts(s, k, minus(key.point)), minus(point)), NEUTRAL);
  if (cofactor) rest = twice(twice(twice(rest)));
  return isNeutral(rest);
}

/** Whether a signature holds under the law, with the cofactor. */
async function signatureHolds(key, text, signature) {
  const parts = signatureParts(signature);
  if (!parts) return false;
  return (await browserHolds(key, text, signature)) || equationHolds(key, text, signature, parts, true);
}

/** Whether it holds without the cofactor too, as checkpoints and cosignatures must. Always decided here. */
function signatureHoldsStrictly(key, text, signature) {
  const parts = signatureParts(signature);
  return parts !== null && equationHolds(key, text, signature, parts, false);
}
