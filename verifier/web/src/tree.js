// RFC 6962 trees: roots, inclusion, consistency. FORMAT.md 7.

const EMPTY_ROOT = sha256();
const node = (left, right) => tagged(1, left, right);

/** Roots of the whole subtrees that a growing tree consists of, from the left. */
class Frontier {
  constructor() {
    this.count = 0;
    this.parts = []; // [height, hash]
  }

  /** Adds a leaf's hash. `seen`, if given, is told each whole subtree: (height, number, hash). */
  push(leaf, seen) {
    let [height, hash] = [0, leaf];
    let number = this.count;
    seen?.(0, number, hash);
    while (this.parts.length && this.parts.at(-1)[0] === height) {
      hash = node(this.parts.pop()[1], hash);
      height++;
      number = Math.floor(number / 2);
      seen?.(height, number, hash);
    }
    this.parts.push([height, hash]);
    this.count++;
  }

  root() {
    if (!this.parts.length) return EMPTY_ROOT;
    let root = this.parts.at(-1)[1];
    for (let i = this.parts.length - 2; i >= 0; i--) root = node(this.parts[i][1], root);
    return root;
  }
}

/** The root that an inclusion proof gives, from the leaf's sibling up. */
function rootOfInclusion(index, size, leaf, proof) {
  if (index >= size) refuse('out-of-tree');
  let [fn, sn] = [BigInt(index), BigInt(size) - 1n];
  let root = leaf;
  for (const hash of proof) {
    if (sn === 0n) refuse('length');
    if (fn & 1n || fn === sn) {
      root = node(hash, root);
      while (!(fn & 1n) && fn !== 0n) {
        fn >>= 1n;
        sn >>= 1n;
      }
    } else {
      root = node(root, hash);
    }
    fn >>= 1n;
    sn >>= 1n;
  }
  return sn === 0n ? root : refuse('length');
}

function checkInclusion(index, size, leaf, root, proof) {
  if (!sameBytes(rootOfInclusion(index, size, leaf, proof), root)) refuse('root');
}

/** Whether the tree of size n with that root is the beginning of the tree of size m. */
function checkConsistency(oldSize, oldRoot, size, root, proof) {
  const [n, m] = [BigInt(oldSize), BigInt(size)];
  if (n > m) refuse('out-of-tree');
  if (n === 0n || n === m) {
    if (proof.length) refuse('length');
    if (!sameBytes(oldRoot, n === 0n ? EMPTY_ROOT : root)) refuse('root');
    return;
  }
  const path = [...proof];
  if ((n & (n - 1n)) === 0n) path.unshift(oldRoot);
  if (!path.length) refuse('length');
  let [fn, sn] = [n - 1n, m - 1n];
  while (fn & 1n) {
    fn >>= 1n;
    sn >>= 1n;
  }
  let [older, newer] = [path[0], path[0]];
  for (const hash of path.slice(1)) {
    if (sn === 0n) refuse('length');
    if (fn & 1n || fn === sn) {
      older = node(hash, older);
      newer = node(hash, newer);
      while (!(fn & 1n) && fn !== 0n) {
        fn >>= 1n;
        sn >>= 1n;
      }
    } else {
      newer = node(newer, hash);
    }
    fn >>= 1n;
    sn >>= 1n;
  }
  if (sn !== 0n) refuse('length');
  if (!sameBytes(older, oldRoot) || !sameBytes(newer, root)) refuse('root');
}

function rootOfLeaves(leaves) {
  const frontier = new Frontier();
  for (const leaf of leaves) frontier.push(leaf);
  return frontier.root();
}
