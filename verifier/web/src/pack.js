// The form of a pack: one line after the other, in this order. FORMAT.md 14.2.

const PACK_MAGIC = 'oversight-pack/v1';

/** What may stand in which place: a line's name, and in which part of the file it stands. */
const PACK_ORDER = { pack: 0, checkpoint: 1, policy: 2, seal: 3, map: 4, absent: 4, since: 5, statement: 6, item: 7, key: 8 };
const PACK_ONCE = 4;
/** No entry is shorter, in bytes; and the most lines of `since`, and of statements. FORMAT.md 1.5. */
const PACK_ENTRY_MIN = 64;
const PACK_SINCE_MAX = 1024;

const readProven = (line, more, members) => {
  const proof = hasMembers(line, members) ? readHashes(line.proof) : null;
  const entry = proof && isWhole(line.index) ? unbase64(line.entry) : null;
  return entry && entry.length >= PACK_ENTRY_MIN && entry.length <= LIMITS.entry ? { index: line.index, entry, proof, ...more(line) } : null;
};

const PACK_LINES = {
  pack: (line) =>
    hasMembers(line, ['audience', 'ledger', 'pack', 'stream']) &&
    line.pack === PACK_MAGIC &&
    isId(line.audience) &&
    isOrigin(line.ledger) &&
    isReference(line.stream)
      ? line
      : null,
  checkpoint: (note) => (typeof note === 'string' ? note : null),
  // Shown, never trusted: one that cannot be read brings no key, and is no fault of the pack.
  policy: (text) => {
    try {
      return typeof text === 'string' ? readPolicy(utf8(text)) : null;
    } catch {
      return { logs: [], witnesses: new Map(), groups: new Map(), quorum: 'none' };
    }
  },
  seal: (line) => readProven(line, () => ({}), ['entry', 'index', 'proof']),
  map: (line) => {
    if (!hasMembers(line, ['count', 'last', 'path', 'root'])) return null;
    const [root, path] = [hash64(line.root), readPath(unbase64(line.path))];
    return root && path && isWhole(line.count) && line.count > 0 && isWhole(line.last) ? { count: line.count, last: line.last, root, path } : null;
  },
  absent: (line) => {
    if (!hasMembers(line, ['head', 'key', 'path'])) return null;
    const [head, key, path] = [hash64(line.head), hash64(line.key), readPath(unbase64(line.path))];
    return head && key && path ? { head, key, path } : null;
  },
  since: (line) => {
    const proof = hasMembers(line, ['proof', 'size']) && isWhole(line.size) ? readHashes(line.proof) : null;
    return proof && { size: line.size, proof };
  },
  statement: (line) => {
    const proof = hasMembers(line, ['note', 'proof']) && typeof line.note === 'string' ? readHashes(line.proof) : null;
    if (!proof) return null;
    try {
      return { ...readStatement(utf8(line.note)), proof };
    } catch {
      return null;
    }
  },
  item: (line) => {
    const item = readProven(
      line,
      ({ digests, slots }) => ({ digests: readDigests(digests), slots: readSlots(slots) }),
      ['digests', 'entry', 'index', 'proof', 'slots'],
    );
    return item && item.digests && item.slots ? item : null;
  },
  key: (line) => readProven(line, () => ({}), ['entry', 'index', 'proof']),
};

/** Reads a pack. Nothing is believed yet. */
function readPack(bytes) {
  const pack = { since: [], statements: [], items: [], keys: [], map: null, absent: null };
  let part = -1;
  jsonLines(bytes).forEach((line, i) => {
    const name = 'pack' in line ? 'pack' : Object.keys(line)[0];
    const number = { line: i + 1 };
    if (!Object.hasOwn(PACK_ORDER, name ?? '') || (name !== 'pack' && Object.keys(line).length !== 1)) refuse('line', number);
    const place = PACK_ORDER[name];
    if (place < part || (place <= PACK_ONCE && place !== i) || (place > PACK_ONCE && part < PACK_ONCE)) refuse('order', number);
    part = place;
    const read = PACK_LINES[name](name === 'pack' ? line : line[name]);
    if (read === null) refuse('line', number);
    const list = { since: pack.since, statement: pack.statements, item: pack.items, key: pack.keys }[name];
    if (!list) {
      pack[name] = read;
      return;
    }
    const rank = { since: 'size', item: 'index', key: 'index' }[name];
    if (rank && list.length && read[rank] <= list.at(-1)[rank]) refuse('order', number);
    list.push({ ...read, line: i + 1 });
    if (Math.max(pack.since.length, pack.statements.length) > PACK_SINCE_MAX) refuse('order', number);
  });
  if (part < PACK_ONCE) refuse('order', { line: part + 2 });
  try {
    pack.head = readCheckpoint(utf8(pack.checkpoint));
  } catch (error) {
    refuse('checkpoint', { why: error.code });
  }
  return pack;
}
