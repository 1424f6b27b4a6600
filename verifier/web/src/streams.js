// Which streams an entry enters, and the things that entries made. FORMAT.md 4.4, 8.1.

class Streams {
  constructor(registry) {
    this.registry = registry;
    this.byAddress = new Map();
    this.things = new Map(); // id_of, blank, id -> { type, facility, streams } of the entry that made it
  }

  party(party, facility = false) {
    return `${facility || this.registry.roles.get(party) === 'facility' ? 'facility' : 'organisation'}/${party}`;
  }

  /** The thing that a ref points at, under the first of its types, in the catalogue's order, under which it exists. FORMAT.md 4.4. */
  thing(reference, ref) {
    if (reference.targets === '*') return undefined;
    for (const type of reference.targets) {
      const found = this.things.get(`${typeOf(type)?.idOf} ${ref}`);
      if (found && reference.targets.includes(found.type)) return found;
    }
    return undefined;
  }

  /** Streams of an entry whose roles the registry has seen, and what later entries may inherit. */
  of(entry, type) {
    const { event } = entry;
    const names = new Set();
    if (type.stream) names.add(`${type.stream}/${event.by}`);
    else this.collect(names, event, type);
    const streams = [...names];
    this.byAddress.set(entry.address, streams);
    if (event.id !== undefined) this.things.set(`${type.idOf} ${event.id}`, { type: event.type, facility: this.facility(event, type), streams });
    return streams;
  }

  /** The facility of a case: the one that it names, and of a dispute that of its visit. */
  facility(event, type) {
    if (event.type !== 'visit.disputed') return typeof event.data.facility === 'string' ? event.data.facility : undefined;
    const reference = type.refs.find((one) => one.name === 'visit');
    return this.thing(reference, listOf(event.refs.visit)[0])?.facility;
  }

  collect(names, event, type) {
    names.add(this.party(event.by));
    for (const subject of type.subjects) {
      const field = type.fields.find((f) => f.name === subject);
      const reference = type.refs.find((r) => r.name === subject);
      if (subject === 'id') {
        if (event.id !== undefined) names.add(`${type.idOf}/${event.id}`);
      } else if (field) {
        for (const party of listOf(event.data[subject])) names.add(this.party(party, field.kind === 'facility'));
      } else if (reference) {
        for (const ref of listOf(event.refs[subject])) {
          const kind = typeOf(this.thing(reference, ref)?.type ?? '')?.idOf;
          if (kind) names.add(`${kind}/${ref}`);
        }
      }
    }
    for (const name of type.inherits) {
      const reference = type.refs.find((r) => r.name === name);
      for (const ref of listOf(event.refs[name])) {
        const streams = (reference.targets === '*' ? this.byAddress.get(ref) : this.thing(reference, ref)?.streams) ?? [];
        for (const stream of streams) names.add(stream);
      }
    }
  }
}
