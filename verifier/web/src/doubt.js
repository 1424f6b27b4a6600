// Signatures that a later revocation casts doubt on: they are named, and are no fault. FORMAT.md 11, "Doubt".

const DOUBTS_KEPT = 200;
const IN_OTHER_HANDS = ['compromise', 'device_lost'];

/** The time in which a key may have been in other hands, as an entry says of a key of its own party; or null. */
function windowOf({ event, position, receivedAt }) {
  const { type, by, data, ledger } = event;
  const field = type === 'key.revoked' ? 'revoked_at' : type === 'key.rotated' && IN_OTHER_HANDS.includes(data.reason) ? 'valid_from' : null;
  const from = field === null ? null : secondsOf(data[field]);
  if (from === null || from >= secondsOf(receivedAt) || data.organisation !== by) return null;
  return { key: `${ledger}/${by}/${data.holder}`, from, since: data[field], by: Number(position) };
}

/** The doubtful ones among entries, each once, under the first window that covers it. */
class Doubts {
  constructor(windows) {
    this.windows = windows;
    this.found = { count: 0, list: [] };
  }

  see({ event, position, receivedAt, note }) {
    const entry = Number(position);
    const received = secondsOf(receivedAt);
    const covers = (name) => this.windows.find(({ key, from, by }) => key === name && entry < by && received >= from && event.type !== SEAL);
    const window = note.signatures.map(({ name }) => covers(name)).find((found) => found);
    if (!window) return;
    this.found.count++;
    if (this.found.list.length < DOUBTS_KEPT) this.found.list.push({ entry, at: event.at, type: event.type, key: window.key, since: window.since, by: window.by });
  }
}
