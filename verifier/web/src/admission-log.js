// What of an entry's admission only the whole log can tell: names that may stand in public, what is there already, refs,
// days, ownership, the sealed head. FORMAT.md 11 (4, 11, 12, 13, 15), 14.4, 18.
//
// `log` is what is known of the entries before: { streams, sealed, received }.

const AHEAD = 14 * 3600;
const RESOLUTION = 'visit.dispute.resolved';
const OF_A_CASE = [
  'access.request.acknowledged',
  'access.clarification.requested',
  'access.request.approved',
  'access.request.denied',
  'access.approval.suspended',
  'access.approval.revoked',
];

/** The numbers in 11 of what is refused; all else is 14. */
const NUMBERS = {
  'other-ledger': 2,
  'type-none': 3,
  fields: 4,
  'not-named': 4,
  'key-unknown': 5,
  'key-not-in-force': 5,
  signature: 6,
  'key-of-another': 7,
  'role-author': 8,
  'too-many-lines': 9,
  'number-used': 10,
  'id-presence': 11,
  used: 11,
  'ref-form': 12,
  'ref-target': 12,
  'day-ahead': 13,
  'time-back': 13,
  'not-own': 15,
  'not-own-case': 15,
  inspection: 15,
  sides: 15,
  'seal-batch': 16,
  'seal-size': 16,
  'seal-streams': 16,
  'seal-index': 16,
};
const numberOf = (code) => NUMBERS[code] ?? 14;

/** 11: an id where the type has one, and neither address nor id in use. */
function checkUnused({ event, address }, type, { streams }) {
  if ((type.idOf !== undefined) !== (event.id !== undefined)) refuse('id-presence', { type: event.type });
  if (streams.byAddress.has(address)) refuse('used', { what: address });
  if (event.id !== undefined && streams.things.has(`${type.idOf} ${event.id}`)) refuse('used', { what: event.id });
}

/** 12: each ref that the type asks for, in its form, to what stands before it. */
function checkRefs({ event }, type, { streams }) {
  const missing = type.refs.find(({ name, optional }) => !optional && !(name in event.refs));
  if (missing) refuse('ref-form', { ref: missing.name });
  for (const [name, value] of Object.entries(event.refs)) {
    const reference = type.refs.find((one) => one.name === name);
    const isList = Array.isArray(value);
    const differ = isList && value.length > 0 && new Set(value).size === value.length;
    if (!reference || isList !== reference.many || (isList && !differ)) refuse('ref-form', { ref: name });
    const there = (ref) => (reference.targets === '*' ? streams.byAddress.has(ref) : streams.thing(reference, ref) !== undefined);
    const nothing = listOf(value).find((ref) => !there(ref));
    if (nothing !== undefined) refuse('ref-target', { ref: name, target: nothing });
  }
}

/** 13: no place on earth has a later day than 14 hours after the receipt, and receipts do not go back. */
function checkDay({ event, receivedAt }, log) {
  if (dayNumber(event.at) > Math.floor((secondsOf(receivedAt) + AHEAD) / 86400)) refuse('day-ahead', { at: event.at, received: receivedAt });
  if (secondsOf(receivedAt) < log.received) refuse('time-back', { at: receivedAt });
}

const ofRef = (event, name) => listOf(event.refs[name])[0];
const partyOf = (ref) => String(ref ?? '').split('/')[0];

/** 15: what is one's own. */
function checkOwn({ event }, type, signers, registry, { streams }) {
  const { by, data } = event;
  const role = registry.roles.get(by);
  const field = { cso: 'organisation', facility: 'facility' }[role];
  if (field && typeof data[field] === 'string' && data[field] !== by) refuse('not-own', { by, whose: data[field] });
  const thingOf = (name) => {
    const reference = type.refs.find((one) => one.name === name);
    return reference && streams.thing(reference, ofRef(event, name));
  };
  const only = (party) => {
    if (party !== by) refuse('not-own', { by, whose: party });
  };
  if (event.type === 'record.corrected' || event.type === 'record.retracted') only(partyOf(ofRef(event, 'target')));
  if (event.type === 'access.request.withdrawn' || event.type === 'access.clarification.supplied') only(partyOf(ofRef(event, 'request')));
  if (OF_A_CASE.includes(event.type)) {
    const facility = thingOf('request')?.facility ?? thingOf('approval')?.facility;
    if (facility !== undefined && facility !== data.facility) refuse('not-own-case', { facility });
  }
  if (event.type === 'inspection.conducted' && !['internal', 'followup'].includes(data.kind) && role !== 'oversight') refuse('inspection');
  if (event.type === RESOLUTION && role !== 'oversight') {
    // The sides are those of the dispute and its visit, as they stand in the log.
    const sides = { facility: thingOf('dispute')?.facility ?? '', organisation: partyOf(ofRef(event, 'dispute')) };
    const both = signers.length === 2 && by === sides.facility && signers[1].party === sides.organisation;
    if (!both) refuse('sides', sides);
  }
}

/** 14.16 and 18.1: over the log as it was last sealed, a higher number, a fresh key of a holder that is named. */
function checkEpoch(entry, registry, log) {
  const { epoch, size, root } = entry.event.data;
  const last = !log || (log.sealed && size === log.sealed.size && root === hexOf(log.sealed.root));
  if (!registry.writer || !isWhole(epoch) || epoch <= registry.writer.epoch || !last || !registry.nextWriter(entry)) refuse('epoch');
}

/** 18.2: what this log goes on from is another log that has entries. */
function checkReseeding({ event }) {
  const { previous_origin: previous, size, root } = event.data;
  const origin = previous?.text;
  if (!isOrigin(origin) || origin === event.ledger || !isWhole(size) || size < 1 || !hash16(root)) refuse('reseeded');
}
