// SHA-256 (FIPS 180-4) of bytes in parts, at once. FORMAT.md 1.2.

/** The first primes, and the first 64 bits of a root's fraction: where the constants of SHA-2 come from. */
const PRIMES = (() => {
  const primes = [];
  for (let n = 2; primes.length < 80; n++) if (primes.every((p) => n % p)) primes.push(n);
  return primes;
})();

function rootFraction(n, power) {
  const bits = 64n * BigInt(power);
  const wanted = BigInt(n) << bits;
  let root = 0n;
  for (let bit = 1n << 70n; bit; bit >>= 1n) if ((root | bit) ** BigInt(power) <= wanted) root |= bit;
  return root & U64_MAX;
}

const SHA2_K = PRIMES.map((p) => rootFraction(p, 3));
const SHA2_H = PRIMES.slice(0, 8).map((p) => rootFraction(p, 2));
const K256 = Int32Array.from(SHA2_K.slice(0, 64), (k) => Number(k >> 32n));
const H256 = Int32Array.from(SHA2_H, (h) => Number(h >> 32n));

const sha256Words = new Int32Array(64);

function sha256Block(state, bytes, at) {
  const w = sha256Words;
  for (let i = 0; i < 16; i++, at += 4) {
    w[i] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
  }
  for (let i = 16; i < 64; i++) {
    const [x, y] = [w[i - 15], w[i - 2]];
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
  }
  let a = state[0], b = state[1], c = state[2], d = state[3];
  let e = state[4], f = state[5], g = state[6], h = state[7];
  for (let i = 0; i < 64; i++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + K256[i] + w[i]) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g; g = f; f = e; e = (d + t1) | 0; d = c; c = b; b = a; a = (t1 + t2) | 0;
  }
  state[0] += a; state[1] += b; state[2] += c; state[3] += d;
  state[4] += e; state[5] += f; state[6] += g; state[7] += h;
}

const sha256Tail = new Uint8Array(128);

/** SHA-256 of the parts, joined. */
function sha256(...parts) {
  const state = Int32Array.from(H256);
  const tail = sha256Tail;
  let [length, held] = [0, 0];
  for (const part of parts) {
    length += part.length;
    let at = 0;
    if (held) {
      at = Math.min(64 - held, part.length);
      for (let i = 0; i < at; i++) tail[held + i] = part[i];
      held += at;
      if (held < 64) continue;
      sha256Block(state, tail, 0);
    }
    for (; at + 64 <= part.length; at += 64) sha256Block(state, part, at);
    held = part.length - at;
    for (let i = 0; i < held; i++) tail[i] = part[at + i];
  }
  const end = held < 56 ? 64 : 128;
  tail.fill(0, held, end);
  tail[held] = 0x80;
  const view = new DataView(tail.buffer);
  view.setUint32(end - 8, Math.floor(length / 0x20000000));
  view.setUint32(end - 4, (length * 8) >>> 0);
  for (let at = 0; at < end; at += 64) sha256Block(state, tail, at);
  const digest = new Uint8Array(32);
  const out = new DataView(digest.buffer);
  state.forEach((word, i) => out.setInt32(4 * i, word));
  return digest;
}

const byteOf = Array.from({ length: 8 }, (_, n) => Uint8Array.of(n));

/** H with a first byte that keeps uses apart. FORMAT.md 1.2. */
const tagged = (tag, ...parts) => sha256(byteOf[tag], ...parts);
