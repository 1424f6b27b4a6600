// SHA-512 (FIPS 180-4), for Ed25519 where the browser does not answer. Words of 64 bits in two halves.

const K512 = Int32Array.from(SHA2_K.flatMap((k) => [Number(k >> 32n), Number(k & 0xffffffffn)]));

/** SHA-512 of the parts, joined. */
function sha512(...parts) {
  const text = joined(parts);
  const blocks = Math.floor((text.length + 16) / 128) + 1;
  const bytes = new Uint8Array(128 * blocks);
  bytes.set(text);
  bytes[text.length] = 0x80;
  new DataView(bytes.buffer).setBigUint64(bytes.length - 8, BigInt(text.length) * 8n);
  const view = new DataView(bytes.buffer);
  const state = Int32Array.from(SHA2_H.flatMap((h) => [Number(h >> 32n), Number(h & 0xffffffffn)]));
  const w = new Int32Array(160);
  // A rotation to the right by n < 32 of (high, low): its high half; the low half swaps the two.
  const turn = (high, low, n) => (high >>> n) | (low << (32 - n));
  const carry = (...lows) => Math.floor(lows.reduce((sum, low) => sum + (low >>> 0), 0) / 0x100000000);
  for (let block = 0; block < blocks; block++) {
    for (let i = 0; i < 32; i++) w[i] = view.getInt32(128 * block + 4 * i);
    for (let i = 32; i < 160; i += 2) {
      const [xh, xl, yh, yl] = [w[i - 30], w[i - 29], w[i - 4], w[i - 3]];
      const s0h = turn(xh, xl, 1) ^ turn(xh, xl, 8) ^ (xh >>> 7);
      const s0l = turn(xl, xh, 1) ^ turn(xl, xh, 8) ^ turn(xl, xh, 7);
      const s1h = turn(yh, yl, 19) ^ turn(yl, yh, 29) ^ (yh >>> 6);
      const s1l = turn(yl, yh, 19) ^ turn(yh, yl, 29) ^ turn(yl, yh, 6);
      w[i + 1] = w[i - 31] + s0l + w[i - 13] + s1l;
      w[i] = w[i - 32] + s0h + w[i - 14] + s1h + carry(w[i - 31], s0l, w[i - 13], s1l);
    }
    const v = Int32Array.from(state);
    for (let i = 0; i < 160; i += 2) {
      const [ah, al, bh, bl, ch, cl] = v;
      const [eh, el, fh, fl, gh, gl, hh, hl] = v.subarray(8);
      const s1h = turn(eh, el, 14) ^ turn(eh, el, 18) ^ turn(el, eh, 9);
      const s1l = turn(el, eh, 14) ^ turn(el, eh, 18) ^ turn(eh, el, 9);
      const choh = (eh & fh) ^ (~eh & gh);
      const chol = (el & fl) ^ (~el & gl);
      const t1l = hl + s1l + chol + K512[i + 1] + w[i + 1];
      const t1h = hh + s1h + choh + K512[i] + w[i] + carry(hl, s1l, chol, K512[i + 1], w[i + 1]);
      const s0h = turn(ah, al, 28) ^ turn(al, ah, 2) ^ turn(al, ah, 7);
      const s0l = turn(al, ah, 28) ^ turn(ah, al, 2) ^ turn(ah, al, 7);
      const majh = (ah & bh) ^ (ah & ch) ^ (bh & ch);
      const majl = (al & bl) ^ (al & cl) ^ (bl & cl);
      const t2h = s0h + majh + carry(s0l, majl);
      const t2l = s0l + majl;
      v.copyWithin(2, 0, 14);
      v[8] += (t1h | 0) + carry(v[9], t1l | 0);
      v[9] += t1l | 0;
      v[0] = (t1h | 0) + (t2h | 0) + carry(t1l | 0, t2l | 0);
      v[1] = (t1l | 0) + (t2l | 0);
    }
    for (let i = 0; i < 16; i += 2) {
      const low = state[i + 1];
      state[i] += v[i] + carry(low, v[i + 1]);
      state[i + 1] += v[i + 1];
    }
  }
  const digest = new Uint8Array(64);
  const out = new DataView(digest.buffer);
  state.forEach((word, i) => out.setInt32(4 * i, word));
  return digest;
}
