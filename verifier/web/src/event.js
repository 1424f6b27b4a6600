// Events, entries, inner notes. FORMAT.md 4, 6, 15.1.

const EVENT_MAGIC = 'oversight-event/v1';
const ENTRY_MAGIC = 'oversight-entry/v1';
const INNER_MAGIC = 'oversight-inner/v1';

const isQualified = (text, by) =>
  typeof text === 'string' && text.split('/').length === 2 && text.split('/').every(isId) && text.startsWith(`${by}/`);
const isReference = (text) =>
  typeof text === 'string' && [2, 3].includes(text.split('/').length) && text.split('/').every(isId);
const isReferences = (refs) =>
  isObject(refs) &&
  Object.keys(refs).every(isId) &&
  Object.values(refs).every((ref) =>
    Array.isArray(ref) ? ref.length <= LIMITS.list && ref.every(isReference) : isReference(ref),
  );

const MEMBERS = {
  at: isDay,
  by: isId,
  channel: isId,
  data: (v) => isObject(v) && Object.keys(v).every(isId),
  hidden: (v) => hash64(v) !== null,
  id: (v, event) => isQualified(v, event.by),
  lang: isLanguage,
  ledger: isOrigin,
  occurred_at: (v) => isDay(v) || isInstant(v),
  refs: isReferences,
  row: isId,
  seq: isWhole,
  type: isId,
  v: (v) => isWhole(v) && v > 0,
};
const EVENT_REQUIRED = ['at', 'by', 'data', 'ledger', 'refs', 'row', 'seq', 'type', 'v'];
const EVENT_OPTIONAL = ['channel', 'hidden', 'id', 'lang'];
const INNER_REQUIRED = ['by', 'data', 'ledger', 'occurred_at', 'refs', 'row', 'type', 'v'];

/** Two lines: a magic word, and one line of canonical JSON with these members and no others. */
function readMembers(text, magic, form, required, optional) {
  const line = text.startsWith(`${magic}\n`) ? text.slice(magic.length + 1) : refuse(form);
  if (!line.endsWith('\n') || line.indexOf('\n') !== line.length - 1) refuse(form);
  // Each member of data counts for itself: it lies in the event and in data already.
  const event = readJson(line.slice(0, -1), LIMITS.nesting + 2);
  if (!isObject(event)) refuse(form);
  for (const name of Object.keys(event)) if (!required.includes(name) && !optional.includes(name)) refuse(form);
  for (const name of required) if (!(name in event)) refuse(form);
  for (const name of Object.keys(event)) if (!MEMBERS[name](event[name], event)) refuse('member', { name });
  return event;
}

/** An event of its signed note. */
function readEvent(bytes) {
  const note = readNote(bytes);
  if (!note.text.startsWith(`${EVENT_MAGIC}\n`)) refuse('event-form');
  const event = readMembers(note.text, EVENT_MAGIC, 'event-form', EVENT_REQUIRED, EVENT_OPTIONAL);
  const lists = Object.values(event.data).filter(Array.isArray);
  if (lists.some((list) => list.length > LIMITS.list)) refuse('event-form');
  return { note, event, idOfEvent: sha256(note.bytes), address: `${event.by}/${event.type}/${event.row}` };
}

/** An inner note's text. */
function readInner(bytes) {
  return readMembers(textOf(bytes), INNER_MAGIC, 'inner-form', INNER_REQUIRED, ['id']);
}

/** Where each line end of the first `count` lines is. */
function lineEnds(bytes, count) {
  const ends = [];
  for (let i = 0; i < bytes.length && ends.length < count; i++) if (bytes[i] === 0x0a) ends.push(i);
  return ends;
}

/** An entry: its place, time, the leaf before it, and its event. */
function readEntry(bytes) {
  if (bytes.length > LIMITS.entry) refuse('too-long');
  const [first, second] = lineEnds(bytes, 2);
  if (second === undefined || textOf(bytes.subarray(0, first)) !== ENTRY_MAGIC) refuse('entry-head');
  const words = textOf(bytes.subarray(first + 1, second)).split(' ');
  const position = words.length === 3 ? decimal(words[0]) : null;
  const prev = position === null ? null : hash64(words[2]);
  if (!prev || !isInstant(words[1])) refuse('entry-head');
  const { note, event, idOfEvent, address } = readEvent(bytes.subarray(second + 1));
  return { position, receivedAt: words[1], prev, note, event, idOfEvent, address, leaf: tagged(0, bytes) };
}
