// The cases of schemas/vectors, answered as their first line does. FORMAT.md 21.

const hexField = (text, name) => unhex(new RegExp(`^${name}: ([0-9a-f]*)$`, 'm').exec(text)?.[1] ?? '');
const hexFields = (text, name) => [...text.matchAll(new RegExp(`^${name}: ([0-9a-f]*)$`, 'gm'))].map((m) => unhex(m[1]));
const numberField = (text, name) => BigInt(new RegExp(`^${name}: ([0-9]+)$`, 'm').exec(text)[1]);

function answerTree(text) {
  const what = /^prove: (.*)$/m.exec(text)[1];
  if (what === 'root') {
    const leaves = hexFields(text, 'data').map((data) => tagged(0, data));
    if (!sameBytes(rootOfLeaves(leaves), hexField(text, 'root'))) refuse('root');
  } else if (what === 'inclusion') {
    const [index, size] = [numberField(text, 'index'), numberField(text, 'size')];
    checkInclusion(index, size, hexField(text, 'leaf'), hexField(text, 'root'), hexFields(text, 'hash'));
  } else {
    const [older, newer] = [hexField(text, 'old-root'), hexField(text, 'root')];
    checkConsistency(numberField(text, 'old-size'), older, numberField(text, 'size'), newer, hexFields(text, 'hash'));
  }
  return 'ok';
}

function answerIndex(text) {
  const root = hexField(text, 'root');
  if (/^prove: root$/m.test(text)) {
    const map = new StreamMap();
    for (const [, position, leaf, name] of text.matchAll(/^item: ([0-9]+) ([0-9a-f]{64}) (.+)$/gm)) {
      map.push(name, Number(position), unhex(leaf));
    }
    if (!sameBytes(map.root(), root)) refuse('root');
    return 'ok';
  }
  const key = streamKey(/^stream: (.+)$/m.exec(text)[1]);
  const found = /^leaf: ([0-9a-f]{64}) ([0-9a-f]{64})$/m.exec(text);
  const leaf = found && { key: unhex(found[1]), head: unhex(found[2]) };
  const steps = [...text.matchAll(/^step: ([0-9]+) ([0-9a-f]{64})$/gm)];
  return `ok ${checkMap(key, root, leaf, steps.map((step) => ({ bit: Number(step[1]), sibling: unhex(step[2]) })))}`;
}

async function answerSignature(text) {
  const [bytes, message, signature] = ['key', 'text', 'signature'].map((name) => hexField(text, name));
  const key = takenKey(bytes);
  if (!key) refuse('key');
  const holds = await signatureHolds(key, message, signature);
  // What the browser said must be what we say ourselves.
  const parts = signatureParts(signature);
  if (holds !== (parts !== null && equationHolds(key, message, signature, parts, true))) refuse('browser-differs');
  if (!holds) refuse('signature');
  return signatureHoldsStrictly(key, message, signature) ? 'ok' : 'ok-with-cofactor-only';
}

/** A log in a body: its origin, its entries, and the lines after them. */
function readLog(bytes) {
  let at = 0;
  const line = () => {
    const end = bytes.indexOf(0x0a, at);
    const text = textOf(bytes.subarray(at, end));
    at = end + 1;
    return text;
  };
  const origin = line().slice('origin: '.length);
  const entries = [];
  while (at < bytes.length) {
    const length = /^entry: ([0-9]+)$/.exec(line());
    if (!length) break;
    entries.push(bytes.subarray(at, at + Number(length[1])));
    at += Number(length[1]);
  }
  return { origin, entries, rest: textOf(bytes) };
}

/** Why the first entry of a log that is refused is so, by the numbers of 11; and what its erasures are. */
async function answerLog(bytes, kind) {
  const { origin, entries, rest } = readLog(bytes);
  const check = new BundleCheck(null, nobody(), {});
  Object.assign(check, { head: { origin }, size: entries.length, keptHeads: new Map(), hasOpenings: false });
  await check.begin();
  for (const [position, entry] of entries.entries()) {
    await check.entry(position, entry);
    await check.settle();
    const [fault] = check.report.faults;
    if (fault) refuse(`${fault.name === 'chain' && !NUMBERS[fault.code] ? 1 : numberOf(fault.code)} at ${position}`, { code: fault.code, ...fault.values });
  }
  if (kind === 'log') return 'ok';
  const [, position, slot, by] = /^erased: ([0-9]+) (\S+) ([0-9]+)$/m.exec(rest);
  const read = readEntry(entries[Number(position)]);
  if (!check.state.erasures.erases(Number(by), read.address, slot)) refuse('not-erased');
  return 'ok';
}

const verdictOf = (report) => {
  if (report.faults.length) refuse(report.faults[0].code === 'quorum-forged' ? 'quorum' : report.faults[0].code);
  return report.unknown.length ? 'cannot-tell' : 'ok';
};

async function answerPack(bytes) {
  const end = bytes.indexOf(0x0a);
  const policy = readPolicy(unbase64(textOf(bytes.subarray(0, end)).slice('policy: '.length)) ?? refuse('base64'));
  return verdictOf(await checkPack(bytes.subarray(end + 1), trustPolicy(policy)));
}

async function answerBundle(text) {
  const bytes = (word) => unbase64(word) ?? refuse('base64');
  const files = new Map([...text.matchAll(/^file: (\S+) (\S*)$/gm)].map(([, path, word]) => [path, bytes(word)]));
  const policy = readPolicy(bytes(/^policy: (\S*)$/m.exec(text)[1]));
  return verdictOf(await checkBundle(files, trustPolicy(policy)));
}

const READERS = {
  value: (bytes) => readJson(textOf(bytes)),
  vkey: (bytes) => readVkey(textOf(bytes)),
  note: readNote,
  event: readEvent,
  entry: readEntry,
  checkpoint: (bytes) => readCheckpointText(textOf(bytes)),
  opening: readOpening,
  disclosure: (bytes) => readDisclosure(textOf(bytes)),
  inner: readInner,
  receipt: readReceipt,
  manifest: readManifest,
  policy: readPolicy,
};

/** What this page says to the body of a case: `ok …` or `refused REASON`. */
async function answerVector(kind, bytes) {
  try {
    if (kind === 'tree') return answerTree(textOf(bytes));
    if (kind === 'index') return answerIndex(textOf(bytes));
    if (kind === 'signature') return await answerSignature(textOf(bytes));
    if (kind === 'bundle') return await answerBundle(textOf(bytes));
    if (kind === 'pack') return await answerPack(bytes);
    if (kind === 'log' || kind === 'erasure') return await answerLog(bytes, kind);
    READERS[kind](bytes);
    return 'ok';
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return `refused ${[error.code, ...Object.values(error.values)].join(' ')}`;
  }
}

/** A case's file: what it expects, and its body. */
function readVector(bytes) {
  const gap = lineEnds(bytes, Infinity).find((end, i, ends) => ends[i + 1] === end + 1);
  const head = textOf(bytes.subarray(0, gap));
  let body = bytes.subarray(gap + 2);
  const field = (name) => new RegExp(`^${name}: (.*)$`, 'm').exec(head)?.[1];
  if (field('encoding') === 'hex') body = unhex(textOf(body).replaceAll('\n', ''));
  return { expect: field('expect'), opening: field('opening'), body };
}

/** Runs a case: null if this page says what it expects, else what it says. The words after `refused` may differ. */
async function runVector(kind, bytes) {
  const { expect, opening, body } = readVector(bytes);
  const got = await answerVector(kind, body);
  // Of a log it says by which number of 11, and at which entry; elsewhere its own codes.
  const agrees = kind === 'log' ? got === expect || got.startsWith(`${expect} `) : expect.startsWith('refused') ? got.startsWith('refused') : got === expect;
  if (!agrees) return `${got}, expected ${expect}`;
  if (!opening || got !== 'ok') return null;
  const { digests, slots } = readOpening(utf8(opening));
  openSlots(readEvent(body).event, digests, slots);
  return null;
}
