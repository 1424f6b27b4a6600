// Whether a pack holds. FORMAT.md 14.2, in the order in which it says so.

const SEAL = 'ledger.index.sealed';

/**
 * Checks a pack under what the reader trusts; `beside` is what a bundle of the same log was found to
 * say, `stated` are auditors' statements that lie beside it.
 */
async function checkPack(bytes, trust = nobody(), { beside = null, stated = [], onProgress } = {}) {
  const report = new Report('pack', onProgress);
  const pack = await report.step('14.2', 'form', (step) => {
    const read = readPack(bytes);
    const late = read.since.find(({ size }) => BigInt(size) >= read.head.size);
    if (late) refuse('since', { size: late.size });
    step.done = step.of = read.items.length + read.keys.length;
    return read;
  });
  if (!pack) return report;
  report.pack = { audience: pack.pack.audience, stream: pack.pack.stream, ledger: pack.pack.ledger, absent: pack.absent !== null };
  report.head = pack.head;
  await checkHead(report, pack.head, trust, pack.policy);
  await report.step('14.2', 'origin', (step) => {
    step.of = 1;
    if (pack.head.origin !== pack.pack.ledger) refuse('other-ledger', { got: pack.pack.ledger, want: pack.head.origin });
    step.done = 1;
  });
  const mapRoot = await report.step('9', 'seal', (step) => checkSeal(pack, step));
  if (mapRoot) await report.step('8.4', pack.absent ? 'absent' : 'map', (step) => checkPackMap(pack, mapRoot, step));
  else report.leftOut('8.4', pack.absent ? 'absent' : 'map', 'after-fault');
  const items = await checkProven(report, pack, pack.items, '7', '6', 'proofs', 'entries');
  await report.step('8.2', 'count', (step) => checkItemsOfStream(pack, step));
  const keys = await checkProven(report, pack, pack.keys, '11', '11', 'keys', null);
  const entries = [...items.map((item) => ({ ...item, isItem: true })), ...keys].sort((a, b) => a.index - b.index);
  const erasures = new Erasures({ inPart: true });
  await checkSignatures(report, pack.sealed ? withSeal(entries, pack) : entries, pack.head.origin, erasures);
  await checkLogKey(report, pack.head, entries[0]);
  if (entries[0]?.event.type === GENESIS && entries[0].event.data.catalogue !== CATALOGUE.digest) report.cannotTell('catalogue-other');
  checkOwnWitnesses(report, trust, report.registry);
  const doubts = new Doubts(entries.map(windowOf).filter((window) => window !== null));
  entries.forEach((entry) => doubts.see(entry));
  report.doubts = doubts.found;
  const opened = await checkOpenings(report, entries);
  const claims = await checkErasures(report, entries, opened, erasures);
  pack.statements.push(...stated.flatMap((statement) => besideStatement(pack, statement)));
  await checkStatements(report, pack, trust);
  if (beside) await checkBeside(report, pack, beside, claims);
  report.records = recordsOf(entries, opened, pack.pack);
  report.complete = completeness(report, pack, entries, opened, beside);
  report.notChecked.push({ code: 'truth' }, { code: 'others' });
  if (!beside) report.notChecked.push({ code: 'index-not-recomputed' });
  // A bundle that holds under the reader's trust, up to this pack's size, has been asked all of it.
  if (report.complete.by !== 'you' || !report.complete.whole) {
    report.notChecked.push({ code: 'keys-when' }, { code: 'admission-pack' });
    if (report.erased) report.notChecked.push({ code: 'erasure-evidence' });
  }
  return report;
}

/** The seal is the last entry under the checkpoint. Gives the map's root. */
function checkSeal(pack, step) {
  step.of = 1;
  const size = pack.head.size;
  const entry = readEntry(pack.seal.entry);
  const { data, type, ledger } = entry.event;
  if (size === 0n || BigInt(pack.seal.index) !== size - 1n) refuse('seal-not-last', { index: pack.seal.index });
  if (entry.position !== BigInt(pack.seal.index)) refuse('position', { got: String(entry.position) });
  checkInclusion(pack.seal.index, size, entry.leaf, pack.head.root, pack.seal.proof);
  if (type !== SEAL) refuse('seal-type', { type });
  if (ledger !== pack.head.origin) refuse('other-ledger', { got: ledger, want: pack.head.origin });
  if (!isWhole(data.size) || BigInt(data.size) !== size - 1n) refuse('seal-size', { got: String(data.size) });
  const root = hash16(data.map_root);
  if (!root) refuse('seal-root');
  step.done = 1;
  pack.sealed = entry;
  return root;
}

function checkPackMap(pack, root, step) {
  step.of = 1;
  const key = streamKey(pack.pack.stream);
  const { map, absent } = pack;
  const leaf = map ? { key, head: headValue(key, map) } : { key: absent.key, head: absent.head };
  let found;
  try {
    found = checkMap(key, root, leaf, (map ?? absent).path);
  } catch (error) {
    refuse('map', { why: error.code });
  }
  if (found !== (map ? 'present' : 'absent')) refuse('map', { why: 'present' });
  const count = map ? map.count : 0;
  if (pack.items.length !== count) refuse('count', { want: count, got: pack.items.length });
  step.done = 1;
}

/** Indexes and leaves of the items give the stream's root and last. */
function checkItemsOfStream({ map, items }, step) {
  step.of = map ? map.count : 0;
  step.done = items.length;
  if (!map) return;
  if (items.length !== map.count) refuse('count', { want: map.count, got: items.length });
  if (items.at(-1).index !== map.last) refuse('last', { want: map.last, got: items.at(-1).index });
  const leaves = items.map((item) => itemLeaf(item.index, tagged(0, item.entry)));
  if (!sameBytes(rootOfLeaves(leaves), map.root)) refuse('stream-root');
}

/** Entries are in the tree, have form 6, their position is their index, their ledger is the origin. */
async function checkProven(report, pack, lines, section, formSection, name, formName) {
  const { root, size, origin } = pack.head;
  const entries = [];
  await report.step(section, name, async (step) => {
    step.of = lines.length;
    for (const line of lines) {
      const at = { entry: line.index, line: line.line };
      report.tried(step, at, () => {
        try {
          checkInclusion(line.index, size, tagged(0, line.entry), root, line.proof);
        } catch {
          refuse('not-in-tree');
        }
      });
      await report.progress(name, step.done, step.of);
    }
  });
  const read = async (step) => {
    if (formName) step.of = lines.length;
    for (const line of lines) {
      const at = { entry: line.index, line: line.line };
      const before = step.done;
      const entry = report.tried(step, at, () => {
        const found = readEntry(line.entry);
        Object.assign(at, nameOf(found));
        if (found.position !== BigInt(line.index)) refuse('position', { got: String(found.position) });
        if (found.event.ledger !== origin) refuse('other-ledger', { got: found.event.ledger, want: origin });
        return found;
      });
      if (!formName) step.done = before;
      if (entry) entries.push({ ...entry, ...line, bytes: line.entry });
    }
  };
  if (formName) await report.step(formSection, formName, read);
  else await read(report.steps.at(-1));
  for (const fault of report.faults) nameFault(fault, entries);
  return entries;
}

/** The seal among them, where it is not one of them already. */
const withSeal = (entries, { sealed, seal }) =>
  entries.some((entry) => entry.index === seal.index) ? entries : [...entries, { ...sealed, index: seal.index, isItem: false }];

/** Gives a fault that knows only an entry's number its record's date and type. */
function nameFault(fault, entries) {
  const entry = fault.type === undefined && entries.find((e) => e.index === fault.entry);
  if (entry) Object.assign(fault, nameOf(entry));
}

/** Signature lines by keys that a key line or an item brings before them or in them; any other is a fault. */
async function checkSignatures(report, entries, origin, erasures) {
  await report.step('3.4', 'signatures', async (step) => {
    const registry = new Registry(origin, { inPart: true });
    report.registry = registry;
    step.of = entries.reduce((sum, entry) => sum + entry.note.signatures.length, 0);
    for (const entry of entries) {
      try {
        await checkLines(entry, registry);
        step.done += entry.note.signatures.length;
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        const [first] = entries;
        const foreign = first.event.type === GENESIS && first.event.data.catalogue !== CATALOGUE.digest;
        if (error.code === 'type-unknown' || (error.code === 'fields' && foreign)) {
          // The catalogue that has it may have been adopted by an entry that is not shown.
          report.cannotTell('type-unknown', { type: `${entry.event.type} v${entry.event.v}` });
          // Without what genesis says nobody's key is known.
          if (entry.event.type === GENESIS) return;
          step.done += entry.note.signatures.length;
          continue;
        }
        report.fault(step, error, { entry: entry.index, line: entry.line, ...nameOf(entry) });
        // What could not be admitted brings nothing.
        continue;
      }
      erasures.see(entry, registry);
      registry.see(entry);
      await report.progress('signatures', step.done, step.of);
    }
  });
}

/** The pack goes back to the log's first entry, which names the key that signed the checkpoint. */
const checkLogKey = (report, head, first) =>
  report.step('11', 'log-key', (step) => {
    step.of = 1;
    if (first?.event.type !== GENESIS || first.index !== 0) refuse('no-genesis');
    const named = vkeyOrNull(first.event.data.log_key);
    const signed = named && (report.anchor?.vkey === named.text || signedStrictly(head.note, named));
    if (!signed) refuse('log-key', { key: String(first.event.data.log_key) });
    step.done = 1;
  });

/** Openings fit what was committed. Gives the slots of each item, by its number. */
async function checkOpenings(report, entries) {
  const opened = new Map();
  await report.step('5', 'openings', async (step) => {
    const items = entries.filter((entry) => entry.isItem);
    step.of = items.length;
    for (const item of items) {
      const at = { entry: item.index, line: item.line, ...nameOf(item) };
      // Of a type that this page does not know the slots have no names.
      const type = typeOf(item.event.type);
      const slots = type?.v !== item.event.v ? [] : report.tried(step, at, () => openSlots(item.event, item.digests, item.slots, true));
      if (slots) opened.set(item.index, slots);
      await report.progress('openings', step.done, step.of);
    }
  });
  return opened;
}

/** What is erased is so by an item that lawfully erases it. Gives what says so. */
async function checkErasures(report, entries, opened, erasures) {
  const claims = entries.flatMap((entry) =>
    (opened.get(entry.index) ?? []).filter((slot) => slot.erasedBy !== undefined).map((slot) => ({ entry, slot })),
  );
  report.erased = claims.length;
  if (!claims.length) return claims;
  await report.step('17', 'erasures', (step) => {
    step.of = claims.length;
    const items = new Set(entries.filter((entry) => entry.isItem).map((entry) => entry.index));
    for (const { entry, slot } of claims) {
      report.tried(step, { entry: entry.index, line: entry.line, ...nameOf(entry) }, () => {
        if (!items.has(slot.erasedBy) || !erasures.erases(slot.erasedBy, entry.address, slot.name)) refuse('not-erased', { slot: slot.name, by: slot.erasedBy });
      });
    }
  });
  return claims;
}

/** A statement that lies beside the pack, with the proof that the pack itself brings for its size. */
function besideStatement(pack, statement) {
  if (statement.origin !== pack.head.origin) return [];
  if (statement.size === pack.head.size) return [{ ...statement, proof: [] }];
  const since = pack.since.find(({ size }) => BigInt(size) === statement.size);
  return since ? [{ ...statement, proof: since.proof }] : [];
}

/** Auditors who say that they recomputed the index; only those whom the reader named count. */
async function checkStatements(report, pack, trust) {
  report.statements = [];
  if (!pack.statements.length) return;
  await report.step('10.4', 'statements', async (step) => {
    for (const statement of pack.statements) {
      const said = statement.note.signatures.map((line) => line.name);
      const signer = trust.auditors.find((vkey) => vkey.type === 1 && signedStrictly(statement.note, vkey));
      // The operator's word for itself is no auditor's, whoever named the key.
      const own = signer !== undefined && report.registry.isOfTheLog(signer);
      const by = own ? null : (signer?.name ?? null);
      if (own && !report.notChecked.some(({ code }) => code === 'statement-of-the-log')) report.notChecked.push({ code: 'statement-of-the-log' });
      const entry = { size: String(statement.size), said, by };
      report.statements.push(entry);
      if (by === null) continue;
      step.of++;
      const holds = report.tried(step, { line: statement.line }, () => {
        const { origin, size, root } = pack.head;
        if (statement.origin !== origin) refuse('other-ledger', { got: statement.origin, want: origin });
        try {
          checkConsistency(statement.size, statement.root, size, root, statement.proof);
        } catch (error) {
          refuse('statement-proof', { why: error.code });
        }
        return true;
      });
      if (!holds) entry.by = null;
    }
    if (!step.of) Object.assign(step, { outcome: 'not_checked', code: 'statements-strange', values: { count: pack.statements.length } });
  });
}

/** The whole log as it was before the pack: a proof from its size says that this goes on from it, or nothing does. */
function besideShorter(report, pack, beside, step) {
  const size = String(beside.size);
  const since = pack.since.find((one) => one.size === beside.size);
  if (!since) {
    report.cannotTell('bundle-shorter', { got: size, size: String(pack.head.size) });
    step.outcome = 'not_checked';
    return;
  }
  try {
    checkConsistency(BigInt(beside.size), beside.root, pack.head.size, pack.head.root, since.proof);
  } catch {
    refuse('fork', { size });
  }
  step.done = 1;
  report.recomputedTo = size;
}

/** A bundle beside the pack: its index, recomputed here, must say the same of this stream. */
async function checkBeside(report, pack, beside, claims) {
  await report.step('8', 'recomputed', (step) => {
    step.of = 1;
    if (beside.origin !== pack.head.origin) refuse('other-ledger', { got: beside.origin, want: pack.head.origin });
    const root = beside.roots.get(Number(pack.head.size));
    if (!root) {
      besideShorter(report, pack, beside, step);
      return;
    }
    if (!sameBytes(root, pack.head.root)) refuse('fork', { size: String(pack.head.size) });
    const head = beside.heads.get(`${pack.pack.stream} ${pack.head.size}`);
    const same = head ? pack.map && head.count === pack.map.count && head.last === pack.map.last && sameBytes(head.root, pack.map.root) : !pack.map;
    if (!same) refuse('index-differs', { want: head?.count ?? 0, got: pack.map?.count ?? 0 });
    // Of the whole log, findings are at hand too.
    for (const { slot, entry } of claims) if (!beside.erasures.erases(slot.erasedBy, entry.address, slot.name)) refuse('not-erased', { slot: slot.name, by: slot.erasedBy });
    step.done = 1;
  });
}

/** Records by how much of them is shown, each by its entry's number. FORMAT.md 14.2. */
function shownOf(entries, opened) {
  const shown = { full: [], partly: [], withheld: [], erased: [], sealed: 0 };
  for (const { index, event } of entries.filter((entry) => entry.isItem)) {
    const slots = opened.get(index) ?? [];
    const isSealed = (slot) => typeOf(event.type)?.fields.find((field) => field.name === slot.name)?.visibility === 'sealed';
    const closed = slots.filter((slot) => slot.value === undefined);
    const kept = closed.filter((slot) => slot.erasedBy === undefined);
    shown.sealed += kept.filter(isSealed).length;
    const erased = closed.find((slot) => slot.erasedBy !== undefined);
    if (erased) shown.erased.push({ index, by: erased.erasedBy });
    if (!erased && kept.every(isSealed)) shown.full.push(index);
    else shown[slots.length > closed.length ? 'partly' : 'withheld'].push(index);
  }
  return shown;
}

/** Words of completeness: how many records, which are not shown in full, and on whose word it is all. */
function completeness(report, pack, entries, opened, beside) {
  const { full, partly, withheld, erased, sealed } = shownOf(entries, opened);
  const trusted = report.statements.filter((s) => s.by !== null).sort((a, b) => Number(b.size) - Number(a.size))[0];
  const recomputed = beside && report.steps.some((s) => s.name === 'recomputed' && s.outcome === 'holds');
  const size = String(pack.head.size);
  const upTo = recomputed ? (report.recomputedTo ?? size) : (trusted?.size ?? '0');
  return {
    count: pack.items.length,
    shown: full.length,
    partly,
    withheld,
    erased,
    sealed,
    size,
    asOf: pack.sealed?.receivedAt ?? null,
    by: recomputed ? 'you' : trusted ? 'auditor' : 'nobody',
    auditor: trusted?.by ?? null,
    upTo,
    whole: upTo === size,
  };
}
