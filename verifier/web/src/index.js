// The stream index: keys, heads, the map over them, and its proofs. FORMAT.md 8.

const STREAM_TAG = utf8('oversight/stream/v1\n');
const streamKey = (name) => sha256(STREAM_TAG, utf8(name));
const itemLeaf = (position, leaf) => tagged(0, u64Bytes(position), leaf);
const headValue = (key, { count, last, root }) => tagged(5, key, u64Bytes(count), u64Bytes(last), root);
const mapLeaf = (key, head) => tagged(2, key, head);
const mapNode = (bit, left, right) => tagged(3, byteOf[bit] ?? Uint8Array.of(bit), left, right);
const MAP_EMPTY = tagged(4);
const bitOf = (key, bit) => (key[bit >> 3] >> (7 - (bit & 7))) & 1;

/** Steps (bit, sibling) of 33 bytes each, or null. */
function readPath(bytes) {
  if (!bytes || bytes.length % 33 || bytes.length > 33 * 256) return null;
  const steps = [];
  for (let i = 0; i < bytes.length; i += 33) steps.push({ bit: bytes[i], sibling: bytes.subarray(i + 1, i + 33) });
  return steps;
}

/**
 * Whether the map with that root holds, or does not hold, a stream. `leaf` is what stands where the turns lead: key
 * and head; none in an empty map. Gives 'present' or 'absent'.
 */
function checkMap(key, root, leaf, steps) {
  for (let i = 1; i < steps.length; i++) if (steps[i].bit <= steps[i - 1].bit) refuse('order');
  if (!leaf) {
    if (steps.length || !sameBytes(root, MAP_EMPTY)) refuse('root');
    return 'absent';
  }
  for (const { bit } of steps) if (bitOf(leaf.key, bit) !== bitOf(key, bit)) refuse('turn');
  let hash = mapLeaf(leaf.key, leaf.head);
  for (const { bit, sibling } of [...steps].reverse()) {
    hash = bitOf(key, bit) ? mapNode(bit, sibling, hash) : mapNode(bit, hash, sibling);
  }
  if (!sameBytes(hash, root)) refuse('root');
  return sameBytes(leaf.key, key) ? 'present' : 'absent';
}

function firstDifference(a, b) {
  for (let i = 0; i < 32; i++) if (a[i] !== b[i]) return 8 * i + Math.clz32(a[i] ^ b[i]) - 24;
  return 256;
}

/** The map over all streams, growing with the log. */
class StreamMap {
  constructor() {
    this.streams = new Map(); // name -> { key, frontier, last, leaf }
    this.top = null; // { bit, left, right, hash } or the stream itself
  }

  get size() {
    return this.streams.size;
  }

  push(name, position, entryLeaf) {
    let stream = this.streams.get(name);
    if (!stream) {
      stream = { name, key: streamKey(name), frontier: new Frontier(), last: 0, hash: null };
      this.streams.set(name, stream);
      stream.frontier.push(itemLeaf(position, entryLeaf));
      this.insert(stream);
    } else {
      stream.frontier.push(itemLeaf(position, entryLeaf));
    }
    stream.last = position;
    stream.hash = null;
    for (let at = this.top; at && at.bit !== undefined; at = bitOf(stream.key, at.bit) ? at.right : at.left) at.hash = null;
  }

  insert(stream) {
    if (!this.top) {
      this.top = stream;
      return;
    }
    let near = this.top;
    while (near.bit !== undefined) near = bitOf(stream.key, near.bit) ? near.right : near.left;
    const bit = firstDifference(stream.key, near.key);
    let [parent, at] = [null, this.top];
    while (at.bit !== undefined && at.bit < bit) {
      parent = at;
      at = bitOf(stream.key, at.bit) ? at.right : at.left;
    }
    const right = bitOf(stream.key, bit) === 1;
    const inner = { bit, left: right ? at : stream, right: right ? stream : at, hash: null };
    if (!parent) this.top = inner;
    else if (bitOf(stream.key, parent.bit)) parent.right = inner;
    else parent.left = inner;
  }

  root(at = this.top) {
    if (!at) return MAP_EMPTY;
    if (at.hash) return at.hash;
    if (at.bit === undefined) {
      const head = { count: at.frontier.count, last: at.last, root: at.frontier.root() };
      at.hash = mapLeaf(at.key, headValue(at.key, head));
    } else {
      at.hash = mapNode(at.bit, this.root(at.left), this.root(at.right));
    }
    return at.hash;
  }

  /** Head of a stream, or null. */
  head(name) {
    const stream = this.streams.get(name);
    return stream ? { count: stream.frontier.count, last: stream.last, root: stream.frontier.root() } : null;
  }
}
