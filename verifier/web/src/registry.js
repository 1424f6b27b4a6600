// Keys and roles that the log itself brings: genesis, key.enrolled, key.rotated, key.revoked, facility.registered; and
// who seals. FORMAT.md 3.3, 8.1, 9, 11 (Registry), 18.1.

const lineKey = (line) => `${line.name}+${line.id}`;
const FAR = Number.MAX_SAFE_INTEGER;

const vkeyOrNull = (text) => {
  try {
    return readVkey(text);
  } catch {
    return null;
  }
};

/** What is encrypted to this kind of key only oversight can read; it signs nothing. FORMAT.md 15.5. */
const RECIPIENT = 'age_x25519';

/** Keys for signing that an entry brings, with the party and the role that it gives them, and from when to when. */
function keysOf({ event, receivedAt }, origin) {
  const { data, type } = event;
  const found = [];
  const received = secondsOf(receivedAt);
  const from = type === 'ledger.genesis' ? received : (secondsOf(data.valid_from) ?? received);
  const to = (type === 'key.enrolled' ? secondsOf(data.valid_to) : null) ?? FAR;
  const take = (text, role) => {
    const vkey = vkeyOrNull(text);
    const holder = vkey && vkey.type === 1 ? holderOf(vkey.name, origin) : null;
    if (holder) found.push({ vkey, role, ...holder, from, to, revoked: FAR });
  };
  const list = (value) => (Array.isArray(value) ? value : []);
  if (type === 'ledger.genesis') {
    for (const key of list(data.operator_keys)) take(key, 'operator');
    for (const key of list(data.registrar_keys)) take(key, data.registrar_role);
    for (const key of list(data.oversight_keys)) take(key, 'oversight');
  } else if (type === 'key.rotated' || (type === 'key.enrolled' && data.alg !== RECIPIENT)) {
    take(data.public_key, data.role ?? null);
  }
  return found;
}

class Registry {
  /** `inPart`: only some entries of the log are seen, as in a pack. */
  constructor(origin, { inPart = false } = {}) {
    this.origin = origin;
    this.inPart = inPart;
    this.operator = null; // party that keeps the log
    this.keys = new Map(); // name+id -> { vkey, party, holder, role, from, to, revoked, used: numbers }
    this.roles = new Map(); // party -> role
    this.writer = null; // who seals: { epoch, key: name+id }
    this.sealing = new Set(); // bytes, in hex, of keys that seal or have sealed: another name makes no other key
    this.logKey = null; // key of checkpoints, as genesis says
    this.unnamed = new Map(); // party -> whether the log has last said that it is not shown by name
    this.before = null; // the log that this one says it goes on from: { origin, size }
    this.recipients = []; // { party, holder, from, to, revoked }: to whom sealed values are encrypted
  }

  /** The key that a signature line names, or undefined. */
  of(line) {
    return this.keys.get(lineKey(line));
  }

  role(party, role) {
    if (typeof party === 'string' && typeof role === 'string' && !this.roles.has(party)) this.roles.set(party, role);
  }

  /** What an event brings, from its own position on. */
  see(entry) {
    const { event, receivedAt } = entry;
    const { type, data } = event;
    const received = secondsOf(receivedAt);
    if (type === 'ledger.genesis') {
      this.operator = data.operator;
      this.role(data.operator, 'operator');
      this.role(data.registrar, data.registrar_role);
    } else if (type === 'facility.registered' && !this.inPart) {
      // In a part of a log a key before it may have said another role first.
      this.role(data.facility, 'facility');
    } else if (type === 'organisation.registered' || type === 'organisation.updated') {
      if (typeof data.organisation === 'string' && typeof data.identity_mode === 'string') this.unnamed.set(data.organisation, data.identity_mode !== 'named');
    } else if (type === 'key.enrolled') {
      this.role(data.organisation, data.role);
      if (data.alg === RECIPIENT) this.recipients.push({ party: data.organisation, holder: data.holder, from: secondsOf(data.valid_from), to: secondsOf(data.valid_to) ?? FAR, revoked: FAR });
    } else if (type === 'ledger.reseeded') {
      this.before = { origin: String(data.previous_origin?.text), size: String(data.size) };
    } else if (type === 'key.revoked') {
      // Another's revocation, oversight's, looks forward alone.
      const at = Math.max(secondsOf(data.revoked_at) ?? received, event.by === data.organisation ? -Infinity : received);
      for (const key of this.held(data)) key.revoked = Math.min(key.revoked, at);
      for (const one of this.recipientsOf(data)) one.revoked = Math.min(one.revoked, secondsOf(data.revoked_at) ?? received);
    }
    if (type === 'key.rotated') {
      const from = secondsOf(data.valid_from) ?? received;
      for (const key of this.held(data).filter(({ to, revoked }) => to === FAR && revoked === FAR)) key.to = from;
    }
    for (const key of keysOf(entry, this.origin)) {
      if (type === 'ledger.genesis') this.role(key.party, key.role);
      const name = lineKey(key.vkey);
      const known = this.keys.get(name);
      if (known) continue; // enrolled again: genesis brought it already
      this.keys.set(name, { ...key, role: key.role ?? this.roles.get(key.party), used: new Set() });
    }
    if (type === 'ledger.genesis') {
      const first = vkeyOrNull(listOf(data.operator_keys)[0]);
      this.writer = first && { epoch: 0, key: lineKey(first) };
      this.logKey = vkeyOrNull(data.log_key);
      if (first) this.sealing.add(hexOf(first.bytes));
    } else if (type === 'ledger.epoch.opened') {
      const next = this.nextWriter(entry);
      const before = this.writer && this.keys.get(this.writer.key);
      for (const key of before ? this.sameBytes(before) : []) key.to = Math.min(key.to, received);
      this.writer = next && { epoch: data.epoch, key: lineKey(next.vkey) };
      if (next) this.sealing.add(hexOf(next.vkey.bytes));
    }
    const author = this.of(entry.note.signatures[0]);
    if (author) author.used.add(event.seq);
  }

  /** The key that an opened epoch names: the only one of its holder in force, without end, that has signed nothing first. */
  nextWriter({ event, receivedAt }) {
    const keys = this.held({ organisation: event.by, holder: event.data.writer }).filter((key) => Registry.inForce(key, secondsOf(receivedAt)));
    // Where not all is shown, one before the last may have been revoked.
    const key = this.inPart ? keys.at(-1) : keys.length === 1 ? keys[0] : undefined;
    // The key of checkpoints seals nothing.
    if (key && this.logKey && sameBytes(key.vkey.bytes, this.logKey.bytes)) return null;
    return key && key.to === FAR && key.revoked === FAR && this.sameBytes(key).every(({ used }) => !used.size) ? key : null;
  }

  /** All keys with the same bytes as that one, itself among them. */
  sameBytes({ vkey }) {
    return [...this.keys.values()].filter((key) => sameBytes(key.vkey.bytes, vkey.bytes));
  }

  /** Whether a key, under whatever name, is one of the log itself: what it signs beside seals and checkpoints is nobody's word. FORMAT.md 9. */
  isOfTheLog({ bytes }) {
    return this.sealing.has(hexOf(bytes)) || (this.logKey !== null && sameBytes(this.logKey.bytes, bytes));
  }

  held({ organisation, holder }) {
    return [...this.keys.values()].filter((key) => key.party === organisation && key.holder === holder);
  }

  recipientsOf({ organisation, holder }) {
    return this.recipients.filter((one) => one.party === organisation && one.holder === holder);
  }

  /** Whether a party is not shown by name: so long as the log has not said that it is. */
  isUnnamed(party) {
    return this.unnamed.get(party) ?? true;
  }

  /** Whether a key is in force at that second. */
  static inForce(key, second) {
    return key.from <= second && second < key.to && second < key.revoked;
  }
}
