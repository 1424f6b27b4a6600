// Which erasures are lawful, at their place in the log. FORMAT.md 17.

const ERASURE = 'erasure.executed';

class Erasures {
  /** `inPart`: only some entries are seen, as in a pack; what is evidence of a finding is not judged then. */
  constructor({ inPart = false } = {}) {
    this.inPart = inPart;
    this.addresses = new Set();
    this.shown = new Set(); // address, blank, field: may be hidden and stands in public
    this.requests = new Map(); // id -> { lint, granted }
    this.findings = new Map(); // open ones: id -> addresses of their evidence
    this.judged = new Map(); // position -> what may be erased, null where nothing
  }

  /** Takes the next entry, with the registry as it was before it. What is by none of its type's authors counts for nothing. */
  see(entry, registry) {
    const { event, address } = entry;
    const { type, data, refs } = event;
    this.addresses.add(address);
    const [author, approver] = entry.note.signatures.map((line) => registry.of(line)?.role);
    if (!typeOf(type)?.authors.includes(author)) {
      if (type === ERASURE) this.judged.set(Number(entry.position), null);
      return;
    }
    if (type === 'erasure.requested') this.requests.set(event.id, { lint: data.basis === 'pii_lint', granted: false });
    else if (type === 'erasure.decided' && data.decision === 'granted') {
      const request = this.requests.get(listOf(refs.erasure)[0]);
      if (request) request.granted = true;
    } else if (type === 'finding.issued' && !this.inPart) this.findings.set(event.id, listOf(refs.evidence));
    else if (type === 'finding.closed') this.findings.delete(listOf(refs.finding)[0]);
    else if (type === ERASURE) this.judged.set(Number(entry.position), approver === 'oversight' ? this.judge(event) : null);
    for (const field of typeOf(type)?.fields ?? []) if (field.unlessNamed && field.name in data) this.shown.add(`${address} ${field.name}`);
  }

  /** What an erasure names, or null where it is not lawful. */
  judge({ data, refs }) {
    const { lint, granted } = this.requests.get(listOf(refs.erasure)[0]) ?? { lint: false, granted: false };
    const erased = new Set();
    for (const address of listOf(refs.targets)) {
      const type = typeOf(address.split('/')[1]);
      if (!type || !this.addresses.has(address)) continue;
      if ([...this.findings.values()].some((evidence) => evidence.includes(address))) return null;
      for (const name of listOf(data.fields)) {
        const field = type.fields.find((f) => f.name === name);
        if (!slotsOf(type).includes(name)) {
          if (!field) continue; // a field of another of the targets
          return null;
        }
        if (this.shown.has(`${address} ${name}`)) return null;
        const asText = field?.kind === 'text' && !field.list;
        if (field?.visibility !== 'sealed' && !granted && !(lint && asText)) return null;
        erased.add(`${address} ${name}`);
      }
    }
    return erased;
  }

  /** Whether the entry at a position erases that slot of that address. */
  erases(position, address, slot) {
    return this.judged.get(position)?.has(`${address} ${slot}`) ?? false;
  }
}
