// Whether an entry could have been admitted, as far as the entries before it tell. FORMAT.md 9, 11, 18. Of a pack only some
// entries are at hand: what others may have said is not asked for (14.2); of a bundle all of it is (admission-log.js).

const GENESIS = 'ledger.genesis';
const EPOCH = 'ledger.epoch.opened';

/** Who signed each line: the key that stands already, or the one that the entry itself brings. */
const signersOf = (entry, registry) =>
  entry.note.signatures.map((line) => {
    const known = registry.of(line) ?? null;
    const { party, holder, vkey } = known ?? bringsItself(entry, line);
    return { known, line, party, holder, bytes: vkey.bytes, role: known ? known.role : (registry.roles.get(party) ?? null) };
  });

const sameHolder = (a, b) => a.party === b.party && a.holder === b.holder;

/** Refuses what no honest log could hold, before the signatures are looked at: types, fields. 3, 4. */
function checkTypeAndFields({ event }, registry, log) {
  const type = typeOf(event.type);
  if (!type || type.v !== event.v) refuse('type-unknown', { type: `${event.type} v${event.v}` });
  // Which fields may be public depends on what others said of a party: of a pack that is asked only where it hangs on none.
  if (log || (type.trust && !type.fields.some((field) => field.unlessNamed))) checkFields(event, type, registry);
  return type;
}

/** Refuses an entry whose lines, or whose change of the registry, no honest log could hold. Its keys are known to be brought. 8 to 15. */
function admitted(entry, type, registry, log) {
  const { event } = entry;
  const isGenesis = event.type === GENESIS;
  // Nobody could be asked before the first entry.
  const isFirst = isGenesis && entry.position === 0n;
  const signers = isFirst ? [] : signersOf(entry, registry);
  if (!isFirst) checkAuthor(entry, type, signers);
  if (log) {
    checkUnused(entry, type, log);
    checkRefs(entry, type, log);
    checkDay(entry, log);
  }
  if (isGenesis !== (entry.position === 0n)) refuse('genesis-place');
  if (isGenesis) {
    checkGenesis(entry);
    return;
  }
  checkWriterAlone(entry, registry);
  checkHolders(event, type, signers);
  if (event.type === 'key.enrolled') checkEnrolment(entry, registry, signers);
  if (event.type === 'key.rotated') checkRotation(event, registry);
  if (event.type === 'key.revoked') checkRevocation(event, registry, signers);
  if (event.type === 'ledger.reseeded') {
    if (entry.position !== 1n) refuse('reseeded-place');
    checkReseeding(entry);
  }
  if (event.type === EPOCH) checkEpoch(entry, registry, log);
  if (log) checkOwn(entry, type, signers, registry, log);
  if (event.type === SEAL && lineKey(entry.note.signatures[0]) !== registry.writer?.key) refuse('seal-key');
}

/** Public fields as the catalogue says, a required one never missing; some only where their party shows its name. */
function checkFields(event, type, registry) {
  if (type.hides !== (event.hidden !== undefined)) refuse('fields', { field: 'hidden' });
  const party = event.data.organisation;
  const mode = event.data.identity_mode;
  const unnamed = typeof mode === 'string' ? mode !== 'named' : registry.isUnnamed(party);
  for (const [name, value] of Object.entries(event.data)) {
    const field = type.fields.find((f) => f.name === name);
    if (!field || field.visibility !== 'public') refuse('fields', { field: name });
    if (field.unlessNamed && unnamed) refuse('not-named', { field: name, by: String(party ?? '') });
    if (!fitsField(field, value)) refuse('fields', { field: name });
  }
  const needed = (field) => field.required && field.visibility === 'public' && !(field.unlessNamed && unnamed);
  const missing = type.fields.find((field) => needed(field) && !(field.name in event.data));
  if (missing) refuse('fields', { field: missing.name });
}

/** The author's role may report the type; there are no more lines than it has, and none of a number used before. */
function checkAuthor({ event }, type, signers) {
  const [author] = signers;
  const role = author.role ?? (!author.known && event.type === 'key.enrolled' ? event.data.role : null);
  if (!type.authors.includes(role)) refuse('role-author', { by: event.by, type: event.type });
  const most = event.type === 'visit.dispute.resolved' ? 2 : type.signatures;
  if (signers.length > most) refuse('too-many-lines', { type: event.type });
  if (author.known?.used.has(event.seq)) refuse('number-used', { key: author.line.name, seq: event.seq });
}

/** A key that seals or has sealed, under whatever name, signs nothing else, but where it seconds oversight's help to the operator. */
function checkWriterAlone(entry, registry) {
  const { event, note } = entry;
  if (event.type === SEAL || event.type === GENESIS) return;
  const keys = note.signatures.map((line) => registry.of(line) ?? bringsItself(entry, line));
  const place = keys.findIndex((key) => key && registry.sealing.has(hexOf(key.vkey.bytes)));
  const helped = event.type === 'key.enrolled' && event.data.role === 'operator' && registry.of(note.signatures[0])?.role === 'oversight';
  if (place >= 0 && !(place > 0 && helped)) refuse('writer-alone', { key: note.signatures[place].name });
}

/** Who may sign second: where trust hangs on it exactly the catalogue's; elsewhere the line may be missing, or the same holder's. */
function checkHolders(event, type, signers) {
  const [author, approver] = signers;
  if (approver && sameBytes(author.bytes, approver.bytes) && !sameHolder(author, approver)) refuse('two-keys');
  if (type.trust && (signers.length !== type.signatures || (approver && sameHolder(author, approver)))) refuse('holders', { type: event.type });
  // Where trust does not hang on it, the same holder's second line is kept, and rule V-03 names it.
  const judged = approver && (type.trust || (type.signatures > 1 && !sameHolder(author, approver))) && event.type !== ERASURE;
  if (judged && !isCosigner(event, type, approver)) refuse('cosigner', { type: event.type });
}

function isCosigner(event, type, approver) {
  if (type.cosigner === 'same') return approver.party === event.by;
  if (type.cosigner === 'organisation') return approver.party === event.data.organisation;
  if (type.cosigner === 'operator' || type.cosigner === 'oversight') return approver.role === type.cosigner;
  return true;
}

const BECH32 = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const BECH32_GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];

/** Whether a text is an age recipient in its one spelling: lower case, checksum right, unused bits zero. BIP 173, FORMAT.md 15.5. */
function isRecipient(text) {
  if (typeof text !== 'string' || !/^age1[02-9ac-hj-np-z]{58}$/.test(text)) return false;
  const human = [...'age'].map((char) => char.charCodeAt(0));
  const digits = [...text.slice(4)].map((char) => BECH32.indexOf(char));
  const sum = [...human.map((c) => c >> 5), 0, ...human.map((c) => c & 31), ...digits].reduce((before, digit) => {
    const next = (((before & 0x1ffffff) << 5) ^ digit) >>> 0;
    return BECH32_GENERATOR.reduce((all, part, bit) => ((before >>> 25 >> bit) & 1 ? (all ^ part) >>> 0 : all), next);
  }, 1);
  return sum === 1 && (digits[51] & 15) === 0;
}

/** A key that may be taken, named after the log, its party and its holder. */
function takenFor({ organisation, holder, public_key: text }, origin) {
  const vkey = vkeyOrNull(text);
  if (!vkey || vkey.type !== 1 || vkey.name !== `${origin}/${organisation}/${holder}` || !keyOf(vkey)) refuse('enrol-key', { key: `${organisation}/${holder}` });
  return vkey;
}

/** Genesis names who keeps the log, its key, and the first keys, each holder once and each party in one role. */
function checkGenesis({ event, note }) {
  const { data, ledger } = event;
  const log = vkeyOrNull(data.log_key);
  if (!log || log.type !== 1 || log.name !== ledger || !keyOf(log)) refuse('genesis', { field: 'log_key' });
  if (event.by !== data.operator || (data.registrar === data.operator) !== (data.registrar_role === 'operator')) refuse('genesis', { field: 'operator' });
  const found = [];
  for (const [field, role, party] of [['operator_keys', 'operator', data.operator], ['registrar_keys', data.registrar_role, data.registrar], ['oversight_keys', 'oversight', null]]) {
    for (const text of listOf(data[field])) {
      const vkey = vkeyOrNull(text);
      const named = vkey && vkey.type === 1 && keyOf(vkey) ? holderOf(vkey.name, ledger) : null;
      if (!named || (party !== null && named.party !== party)) refuse('genesis', { field });
      if (found.some((one) => one.party === named.party && (one.role !== role || one.holder === named.holder))) refuse('genesis', { field });
      found.push({ ...named, role, vkey });
    }
  }
  if (!found.length || note.signatures.length !== 1 || lineKey(note.signatures[0]) !== lineKey(found[0].vkey)) refuse('genesis', { field: 'operator_keys' });
  // Under whatever name: a key is its 32 bytes.
  if (sameBytes(found[0].vkey.bytes, log.bytes)) refuse('writer-alone', { key: log.name });
}

function checkEnrolment(entry, registry, signers) {
  const { event } = entry;
  const { organisation: party, holder, role, alg, public_key: text } = event.data;
  const [author] = signers;
  const byOversight = author.known !== null && author.role === 'oversight';
  const ofOversight = role === 'oversight' && author.role === 'oversight';
  const known = registry.roles.get(party);
  if (known !== undefined && known !== role) refuse('enrol-role', { by: party, role: known });
  if (role === 'operator' && registry.operator !== party) refuse('enrol-operator');
  if (party !== event.by && !ofOversight && !(role === 'operator' && byOversight)) refuse('enrol-own', { by: party });
  if (role === 'oversight' && !(byOversight && ofOversight)) refuse('enrol-oversight');
  const from = secondsOf(event.data.valid_from);
  const to = secondsOf(event.data.valid_to);
  if (to !== null && to <= Math.max(from, secondsOf(entry.receivedAt))) refuse('enrol-over');
  if (alg === RECIPIENT) {
    if (!isRecipient(text) || signers.some((signer) => !signer.known)) refuse('enrol-key', { key: `${party}/${holder}` });
    if (role !== 'oversight') refuse('enrol-oversight');
    if (!registry.inPart && registry.recipientsOf(event.data).some((one) => Registry.inForce(one, secondsOf(entry.receivedAt)))) refuse('enrol-again', { key: `${party}/${holder}` });
    return;
  }
  const vkey = takenFor(event.data, event.ledger);
  const there = registry.keys.get(lineKey(vkey));
  const same = there !== undefined && sameBytes(there.vkey.bytes, vkey.bytes);
  const two = signers.every((signer) => signer.role === 'operator' && !sameHolder(signer, { party, holder }));
  const stand = signers.every((signer) => signer.known);
  if (role === 'operator' && !same && !(stand && (byOversight || two))) refuse('enrol-operator');
  const received = secondsOf(entry.receivedAt);
  const held = !registry.inPart && registry.held(event.data).some((key) => Registry.inForce(key, received));
  if (!same && (there !== undefined || held)) refuse('enrol-again', { key: vkey.name });
}

function checkRotation(event, registry) {
  const { organisation } = event.data;
  if (organisation !== event.by) refuse('enrol-own', { by: organisation });
  const old = registry.held(event.data).filter((key) => key.to === FAR && key.revoked === FAR);
  if (!registry.roles.has(organisation) || !old.length) refuse('rotate-unknown');
  if (old.some((key) => lineKey(key.vkey) === registry.writer?.key)) refuse('in-office');
  const vkey = takenFor(event.data, event.ledger);
  if (registry.keys.has(lineKey(vkey))) refuse('enrol-again', { key: vkey.name });
}

function checkRevocation(event, registry, [author]) {
  const { organisation } = event.data;
  if (organisation !== event.by && author.role !== 'oversight') refuse('enrol-own', { by: organisation });
  const held = registry.held(event.data);
  if (!registry.inPart && !held.length && !registry.recipientsOf(event.data).length) refuse('rotate-unknown');
  if (held.some((key) => lineKey(key.vkey) === registry.writer?.key)) refuse('in-office');
}
