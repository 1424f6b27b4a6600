// Records as people read them: what, when, by whom, what is hidden, and what was said about them later.

/** Types that say something about another record, by the ref that names it. */
const ABOUT = {
  'record.corrected': { ref: 'target', mark: 'corrected' },
  'record.retracted': { ref: 'target', mark: 'retracted' },
  'visit.disputed': { ref: 'visit', mark: 'disputed' },
  'visit.countersigned': { ref: 'visit', mark: 'countersigned' },
  'visit.dispute.resolved': { ref: 'dispute', mark: 'resolved' },
  'erasure.executed': { ref: 'targets', mark: 'erased' },
};

const listOf = (value) => (value === undefined ? [] : Array.isArray(value) ? value : [value]);

/** One record, plain. */
function recordOf(entry, slots) {
  const { event } = entry;
  const type = typeOf(event.type);
  const known = (name) => type?.fields.find((f) => f.name === name);
  const field = (name, value) => ({
    name,
    doc: known(name)?.doc ?? '',
    kind: known(name)?.kind ?? (TIME_SLOTS.includes(name) ? 'time' : 'id'),
    unit: known(name)?.unit ?? null,
    value,
  });
  return {
    index: Number(entry.position),
    type: event.type,
    summary: type?.summary ?? '',
    at: event.at,
    receivedAt: entry.receivedAt,
    by: event.by,
    address: entry.address,
    id: event.id ?? null,
    refs: Object.entries(event.refs).flatMap(([name, refs]) => listOf(refs).map((ref) => ({ name, ref }))),
    fields: Object.entries(event.data).map(([name, value]) => field(name, value)),
    hidden: slots.map((slot) => ({
      ...field(slot.name, slot.value ?? null),
      state:
        slot.withheld || slot.sealed !== undefined
          ? slot.sealed !== undefined ? 'sealed' : 'withheld'
          : slot.erasedBy !== undefined ? 'erased' : slot.value === null ? 'empty' : 'open',
      by: slot.erasedBy ?? null,
    })),
    signers: entry.note.signatures.map((line) => line.name),
    marks: [],
  };
}

/** Records of a pack's items, each with the marks that later ones set on it. */
function recordsOf(entries, opened, { audience }) {
  const items = entries.filter((entry) => entry.isItem);
  const records = items.map((entry) => recordOf(entry, opened.get(entry.index) ?? []));
  const byName = new Map();
  for (const record of records) {
    byName.set(record.address, record);
    if (record.id) byName.set(record.id, record);
  }
  for (const record of records) {
    const about = Object.hasOwn(ABOUT, record.type) ? ABOUT[record.type] : null;
    for (const { name, ref } of record.refs) {
      const target = about && name === about.ref ? byName.get(ref) : undefined;
      if (target) target.marks.push({ mark: about.mark, by: record.by, yours: record.by === audience, index: record.index, at: record.at });
    }
  }
  return records;
}
