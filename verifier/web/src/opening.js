// Hidden values: disclosures, opening lines, and whether they fit what was committed. FORMAT.md 5, 17.

/** A disclosure: its salt, name and value, null where the slot is empty. */
function readDisclosure(text) {
  const bytes = typeof text === 'string' ? unbase64url(text) : null;
  if (!bytes) refuse('disclosure');
  let list;
  try {
    list = readJson(textOf(bytes), LIMITS.nesting, 1);
  } catch {
    refuse('disclosure');
  }
  if (!Array.isArray(list) || list.length !== 3 || typeof list[0] !== 'string' || typeof list[1] !== 'string') refuse('disclosure');
  if (unbase64url(list[0])?.length !== 32) refuse('disclosure');
  return { name: list[1], value: list[2] };
}

/** A slot of an opening line or of a pack's item, or null. */
function readSlot(slot) {
  if (typeof slot === 'string') return { open: slot };
  if (hasMembers(slot, ['withheld'])) return slot.withheld === true ? { withheld: true } : null;
  if (hasMembers(slot, ['erased_by'])) return isWhole(slot.erased_by) ? { erasedBy: slot.erased_by } : null;
  if (hasMembers(slot, ['sealed'])) return typeof slot.sealed === 'string' && slot.sealed.length <= LIMITS.sealed && unbase64(slot.sealed)?.length ? { sealed: slot.sealed } : null;
  return null;
}

/** All of them, or null. */
function readSlots(slots) {
  const read = Array.isArray(slots) ? slots.map(readSlot) : [null];
  return read.includes(null) ? null : read;
}

function readDigests(digests) {
  const read = Array.isArray(digests) ? digests.map(hash64) : [null];
  return read.includes(null) ? null : read;
}

/** A line that lies beside the log. */
function readOpening(bytes) {
  if (bytes.length > LIMITS.line) refuse('opening-form');
  let line;
  try {
    line = readJson(textOf(bytes));
  } catch {
    refuse('opening-form');
  }
  if (!hasMembers(line, ['digests', 'entry', 'event', 'slots'])) refuse('opening-form');
  const opening = { digests: readDigests(line.digests), entry: line.entry, event: hash16(line.event), slots: readSlots(line.slots) };
  if (!opening.digests || !isWhole(opening.entry) || !opening.event || !opening.slots) refuse('opening-form');
  return opening;
}

/**
 * Whether digests and slots fit what an event committed. Gives each slot with its name and, where it is open, its
 * value; which erasures are claimed is for the caller to check. In a pack nothing need be at hand: all is withheld then.
 */
function openSlots(event, digests, slots, atHand = false) {
  const type = typeOf(event.type);
  if (!type) refuse('type-unknown', { type: event.type });
  const names = slotsOf(type);
  if (atHand && !digests.length && !slots.length && event.hidden !== undefined) return names.map((name) => ({ name, withheld: true }));
  if (digests.length !== names.length || slots.length !== names.length) {
    refuse('slot-count', { want: names.length, got: slots.length === names.length ? digests.length : slots.length });
  }
  if (!names.length) return event.hidden === undefined ? [] : refuse('slot-root');
  if (event.hidden === undefined || !sameBytes(tagged(6, ...digests), hash64(event.hidden))) refuse('slot-root');
  return names.map((name, i) => {
    const slot = slots[i];
    if (slot.open === undefined) return { name, ...slot };
    if (!sameBytes(sha256(utf8(slot.open)), digests[i])) refuse('slot-digest', { slot: name });
    let disclosure;
    try {
      disclosure = readDisclosure(slot.open);
    } catch {
      refuse('slot-digest', { slot: name });
    }
    if (disclosure.name !== name) refuse('slot-digest', { slot: name });
    const { value } = disclosure;
    if (value !== null && !fitsSlot(type, name, value)) refuse('slot-value', { slot: name });
    return { name, value };
  });
}
