// Keys and roles that the log itself brings: genesis, key.enrolled, key.rotated, key.revoked, facility.registered.
// FORMAT.md 3.3, 8.1, 11 (Registry).

const vkeyOrNull = (text) => {
  try {
    return readVkey(text);
  } catch {
    return null;
  }
};

/** Keys that an event brings, with the party and the role that it gives them. */
function keysOf(event, origin) {
  const { data, type } = event;
  const found = [];
  const take = (text, role) => {
    const vkey = vkeyOrNull(text);
    const holder = vkey && vkey.type === 1 ? holderOf(vkey.name, origin) : null;
    if (holder) found.push({ vkey, role, ...holder });
  };
  const list = (value) => (Array.isArray(value) ? value : []);
  if (type === 'ledger.genesis') {
    for (const key of list(data.operator_keys)) take(key, 'operator');
    for (const key of list(data.registrar_keys)) take(key, data.registrar_role);
    for (const key of list(data.oversight_keys)) take(key, 'oversight');
  } else if (type === 'key.enrolled' || type === 'key.rotated') {
    take(data.public_key, data.role ?? null);
  }
  return found;
}

const lineKey = (line) => `${line.name}+${line.id}`;
const FAR = Number.MAX_SAFE_INTEGER;

class Registry {
  constructor(origin) {
    this.origin = origin;
    this.keys = new Map(); // name+id -> { vkey, party, holder, role, from, to, revoked }
    this.roles = new Map(); // party -> role
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
      this.role(data.operator, 'operator');
      this.role(data.registrar, data.registrar_role);
    } else if (type === 'facility.registered') {
      this.role(data.facility, 'facility');
    } else if (type === 'key.enrolled') {
      this.role(data.organisation, data.role);
    } else if (type === 'key.revoked') {
      const at = secondsOf(data.revoked_at) ?? received;
      for (const key of this.held(data)) key.revoked = Math.min(key.revoked, at);
    }
    const from = type === 'ledger.genesis' ? received : (secondsOf(data.valid_from) ?? received);
    if (type === 'key.rotated') for (const key of this.held(data)) key.to = Math.min(key.to, from);
    for (const key of keysOf(event, this.origin)) {
      if (type === 'ledger.genesis') this.role(key.party, key.role);
      const name = lineKey(key.vkey);
      const known = this.keys.get(name);
      if (known) continue; // enrolled again: genesis brought it already
      this.keys.set(name, { ...key, role: key.role ?? this.roles.get(key.party), from, to: secondsOf(data.valid_to) ?? FAR, revoked: FAR });
    }
  }

  held({ organisation, holder }) {
    return [...this.keys.values()].filter((key) => key.party === organisation && key.holder === holder);
  }

  /** Whether a key is in force at that second. */
  static inForce(key, second) {
    return key.from <= second && second < key.to && second < key.revoked;
  }
}
