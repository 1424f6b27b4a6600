// Which streams an entry enters. FORMAT.md 8.1.

class Streams {
  constructor(registry) {
    this.registry = registry;
    this.byAddress = new Map();
    this.byThing = new Map(); // type, blank, id -> streams
  }

  party(party, facility = false) {
    return `${facility || this.registry.roles.get(party) === 'facility' ? 'facility' : 'organisation'}/${party}`;
  }

  /** The type under which a ref's target exists. */
  targetOf(reference, ref) {
    const types = reference.targets === '*' ? [] : reference.targets;
    return types.find((type) => this.byThing.has(`${type} ${ref}`)) ?? types[0];
  }

  /** Streams of an entry whose roles the registry has seen, and what later entries may inherit. */
  of(entry, type) {
    const { event } = entry;
    const names = new Set();
    if (type.stream) names.add(`${type.stream}/${event.by}`);
    else this.collect(names, event, type);
    const streams = [...names];
    this.byAddress.set(entry.address, streams);
    if (event.id !== undefined) this.byThing.set(`${event.type} ${event.id}`, streams);
    return streams;
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
          const kind = typeOf(this.targetOf(reference, ref) ?? '')?.idOf;
          if (kind) names.add(`${kind}/${ref}`);
        }
      }
    }
    for (const name of type.inherits) {
      const reference = type.refs.find((r) => r.name === name);
      for (const ref of listOf(event.refs[name])) {
        const streams = this.byAddress.get(ref) ?? this.byThing.get(`${this.targetOf(reference, ref)} ${ref}`) ?? [];
        for (const stream of streams) names.add(stream);
      }
    }
  }
}
