// Whether a bundle, the whole log, holds: files, signatures, chain, tree, index, kept checkpoints, times, openings.
// FORMAT.md 6 to 11, 13, 18, 19.

const TILE = 256;
const DRIFT = 300;
const BOUND = 86400;
const SPANS = 40;
const BATCH = 64;

/** Path of a tile's number: groups of three digits, all but the last prefixed x. */
function tileName(number) {
  const groups = [];
  for (let n = number, first = true; first || n > 0; n = Math.floor(n / 1000), first = false) groups.unshift(String(n % 1000).padStart(3, '0'));
  return groups.map((group, i) => (i < groups.length - 1 ? `x${group}` : group)).join('/');
}

/** Paths of all tiles of a level that a tree of that many nodes there has, with their widths. */
function* tilesOf(level, count) {
  for (let n = 0; n * TILE < count; n++) {
    const width = Math.min(TILE, count - n * TILE);
    yield { path: `tile/${level}/${tileName(n)}${width < TILE ? `.p/${width}` : ''}`, number: n, width };
  }
}

function tilePaths(size) {
  const paths = new Map();
  for (const tile of tilesOf('entries', size)) paths.set(tile.path, tile);
  for (let level = 0, count = size; count > 0; level++, count = Math.floor(count / TILE)) {
    for (const tile of tilesOf(level, count)) paths.set(tile.path, { ...tile, level });
  }
  return paths;
}

/** SHA-256 of the file of this page, in hex; null where it has none. Set before anything is read. */
let OWN_PAGE = null;

class BundleCheck {
  /** `given` is an archive, or the files of a folder by path. A view is what is whole of a copy: it has no manifest. */
  constructor(given, trust, { watch = [], onProgress, view = false }) {
    this.given = given;
    this.view = view;
    this.trust = trust;
    this.watch = watch;
    this.report = new Report('bundle', onProgress);
  }

  async run() {
    const { report } = this;
    if (!(await this.open())) return report;
    const head = await checkForm(report, '10.1', this.files.get('checkpoint'), readCheckpoint);
    if (!head) return report;
    report.head = this.head = head;
    const own = policyInside(this.files.get('policy'));
    await checkHead(report, head, this.trust, own);
    const trusted = this.trust.logs.some((vkey) => vkey.name === head.origin);
    // Whose log it is cannot be told: of a reader's own policy nothing follows for it.
    if (this.trust.how !== 'none' && !trusted) return report;
    this.keys = (trusted ? this.trust : (own ?? nobody())).logs.filter((vkey) => vkey.name === head.origin);
    this.policy = trusted ? this.trust.policy : own;
    const tiles = [...this.files.keys()].filter((path) => path.startsWith('tile/entries/')).length;
    if (head.size > BigInt(tiles) * BigInt(TILE)) report.fault({ section: '7', name: 'tiles' }, new Refused('file-missing', { path: `tile/entries/${tileName(tiles)}` }));
    else if (head.size > BigInt(LIMITS.entries)) {
      report.cannotTell('too-many-entries', { size: String(head.size), most: LIMITS.entries });
    }
    if (head.size > BigInt(LIMITS.entries)) return report;
    this.size = Number(head.size);
    if (!(await report.step('7', 'tiles', (step) => this.tiles(step)))) return report;
    await this.kept();
    await this.documents();
    await this.page();
    await this.walk();
    await this.times();
    const { before } = this.state.registry;
    if (before) report.notChecked.push({ code: 'successor', values: before });
    report.notChecked.push({ code: 'truth' }, { code: 'others' });
    if (!this.hasOpenings) report.notChecked.push({ code: 'no-openings' });
    return report;
  }

  /** The archive and its manifest: a file changed, missing or extra is a fault. */
  async open() {
    const { report } = this;
    this.files = this.given instanceof Map ? this.given : await report.step('13.1', 'archive', (step) => {
      const files = readTar(this.given);
      step.done = step.of = files.size;
      return files;
    });
    if (!this.files) return false;
    if (this.view) return true;
    this.files = new Map(this.files);
    await report.step('13', 'manifest', async (step) => {
      const manifest = readManifest(this.files.get('manifest') ?? refuse('file-missing', { path: 'manifest' }));
      this.listed = manifest;
      step.of = manifest.size;
      for (const [path, digest] of manifest) {
        report.tried(step, {}, () => {
          const bytes = this.files.get(path) ?? refuse('file-missing', { path });
          if (!sameBytes(sha256(bytes), digest)) refuse('file-changed', { path });
        });
        await report.progress('manifest', step.done, step.of);
      }
      for (const path of this.files.keys()) {
        if (path === 'manifest' || manifest.has(path)) continue;
        // What a bundle of any size has is content, whatever its name looks like.
        const stray = isContent(path) ? null : strayOf(path);
        if (stray === null) report.fault(step, new Refused('file-extra', { path }));
        else {
          report.stray(stray);
          this.files.delete(path);
        }
      }
    });
    if (!this.files.has('checkpoint')) report.fault({ section: '13', name: 'manifest' }, new Refused('file-missing', { path: 'checkpoint' }));
    return this.files.has('checkpoint');
  }

  tiles(step) {
    const wanted = tilePaths(this.size);
    step.of = wanted.size;
    for (const path of wanted.keys()) {
      if (!this.files.has(path)) refuse('file-missing', { path });
      step.done++;
    }
    const lines = new Set([...tilesOf('entries', this.size)].map(({ number }) => `openings/${tileName(number)}`));
    const known = (path) =>
      wanted.has(path) || lines.has(path) || ['checkpoint', 'policy', 'manifest', 'verify.html'].includes(path) || /^(checkpoints|documents)\//.test(path);
    for (const path of this.files.keys()) if (!known(path)) refuse('file-extra', { path });
    this.hasOpenings = [...this.files.keys()].some((path) => path.startsWith('openings/'));
    return true;
  }

  /** Kept checkpoints: their form and signatures; their roots are compared on the way. */
  async kept() {
    const { report } = this;
    this.keptHeads = new Map([[this.size, this.head]]);
    this.heads = [this.head];
    await report.step('10.2', 'kept', async (step) => {
      const kept = [...this.files].filter(([path]) => path.startsWith('checkpoints/'));
      step.of = kept.length;
      for (const [path, bytes] of kept) {
        report.tried(step, {}, () => {
          const head = readCheckpoint(bytes);
          if (`checkpoints/${head.size}` !== path || head.origin !== this.head.origin) refuse('kept-name', { path });
          if (head.size === 0n) refuse('kept-unsealed', { size: 0 });
          if (head.size > this.head.size) refuse('kept-beyond', { path });
          if (this.keys.length && !this.keys.some((vkey) => signedStrictly(head.note, vkey))) refuse('kept-signature', { path });
          if (head.size === this.head.size && !sameBytes(head.root, this.head.root)) refuse('fork', { size: String(head.size) });
          if (head.size !== this.head.size) this.keptHeads.set(Number(head.size), head);
          this.heads.push(head);
        });
        await report.progress('kept', step.done, step.of);
      }
    });
  }

  async documents() {
    const documents = [...this.files].filter(([path]) => path.startsWith('documents/'));
    await this.report.step('13', 'documents', (step) => {
      step.of = documents.length;
      for (const [path, bytes] of documents) {
        this.report.tried(step, {}, () => {
          if (`documents/${hexOf(sha256(bytes))}` !== path) refuse('file-changed', { path });
        });
      }
    });
  }

  /** The page that the archive brings is this one, or that of a release which this one knows. */
  async page() {
    const bytes = this.files.get('verify.html');
    if (!bytes) return;
    if (OWN_PAGE === null) {
      this.report.leftOut('13', 'page', 'no-own-page');
      return;
    }
    await this.report.step('13', 'page', (step) => {
      step.of = 1;
      const hash = hexOf(sha256(bytes));
      if (hash !== OWN_PAGE && !CATALOGUE.pages.includes(hash)) refuse('page-unknown', { hash });
      step.done = 1;
    });
  }

  /** Bytes of the entries, in order. */
  *entryBytes() {
    for (const { path, width } of tilesOf('entries', this.size)) {
      const bytes = this.files.get(path);
      let at = 0;
      for (let i = 0; i < width; i++) {
        const length = at + 2 <= bytes.length ? (bytes[at] << 8) | bytes[at + 1] : bytes.length;
        if (at + 2 + length > bytes.length) refuse('tile-form', { path });
        yield bytes.subarray(at + 2, at + 2 + length);
        at += 2 + length;
      }
      if (at !== bytes.length) refuse('tile-form', { path });
    }
  }

  /** Steps and state of a walk over all entries. */
  async begin() {
    const { report } = this;
    const names = { chain: '6', signatures: '3.4', admission: '11', seals: '9', tree: '7', openings: '5' };
    const steps = {};
    for (const [name, section] of Object.entries(names)) {
      if (name === 'openings' && !this.hasOpenings) continue;
      await report.step(section, name, (step) => {
        steps[name] = step;
      });
    }
    this.walkSteps = steps;
    this.state = {
      prev: new Uint8Array(32),
      received: -Infinity,
      registry: new Registry(this.head.origin),
      map: new StreamMap(),
      frontier: new Frontier(),
      levels: [],
      batch: 0,
      pending: [],
      claims: [],
      open: new Map(), // address, blank, slot -> position, of what is at hand
      erasures: new Erasures(),
      receivedAt: [],
      counts: new Map(),
      lastIsSeal: false,
      sealed: null,
      roots: new Map(),
      watched: new Map(),
      windows: [],
      foreign: false,
      beyond: false,
    };
    this.state.streams = new Streams(this.state.registry);
  }

  /** All entries, one after the other. */
  async walk() {
    const { report } = this;
    await this.begin();
    const { walkSteps: steps } = this;
    const before = report.faults.length;
    try {
      let position = 0;
      for (const bytes of this.entryBytes()) {
        if (!(await this.entry(position, bytes))) break;
        position++;
        await report.progress('chain', position, this.size);
      }
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      report.fault(steps.chain, error);
    }
    await this.settle();
    // Signatures and what hangs on them come late: all is told by entries, and of one entry in the order of FORMAT.md 11.
    const late = ({ name }) => ['chain', 'signatures', 'admission', 'seals'].indexOf(name) >>> 0;
    const found = report.faults.splice(before).sort((a, b) => (a.entry ?? Infinity) - (b.entry ?? Infinity) || late(a) - late(b));
    report.faults.push(...found);
    await this.finish();
    this.doubts();
    for (const step of Object.values(steps)) if (report.faults.some((f) => f.section === step.section && f.name === step.name)) step.outcome = 'fault';
  }

  async entry(position, bytes) {
    const { report, state, walkSteps: steps } = this;
    const at = { entry: position };
    const leaf = tagged(0, bytes);
    steps.chain.of = this.size;
    const entry = report.tried(steps.chain, at, () => {
      const read = readEntry(bytes);
      Object.assign(at, nameOf(read));
      if (read.position !== BigInt(position)) refuse('position', { got: String(read.position) });
      if (!sameBytes(read.prev, state.prev)) refuse('prev');
      if (read.event.ledger !== this.head.origin) refuse('other-ledger', { got: read.event.ledger, want: this.head.origin });
      return read;
    });
    state.prev = leaf;
    this.push(position, leaf);
    if (!entry) return true; // the tree goes on; what this entry says is not known
    state.receivedAt[position] = entry.receivedAt;
    state.counts.set(entry.event.type, (state.counts.get(entry.event.type) ?? 0) + 1);
    const type = typeOf(entry.event.type);
    if (state.beyond) {
      await this.beyond(entry, at);
      return true;
    }
    if (!type || type.v !== entry.event.v) {
      const values = { type: `${entry.event.type} v${entry.event.v}` };
      // It is no lie where the log has adopted a catalogue that this page does not have.
      if (!state.foreign && !(entry.event.type === GENESIS && position === 0)) {
        report.fault(steps.admission, new Refused('type-none', values), at);
        return false;
      }
      report.cannotTell('type-unknown', values);
      state.beyond = true;
      await this.beyond(entry, at);
      return true;
    }
    const foreign = state.foreign || (entry.event.type === GENESIS && entry.event.data.catalogue !== CATALOGUE.digest);
    this.adopts(entry, at);
    if (foreign && !this.fieldsKnown(entry)) {
      report.cannotTell('type-unknown', { type: `${entry.event.type} v${entry.event.v}` });
      state.beyond = true;
      await this.beyond(entry, at);
      return true;
    }
    if (windowOf(entry)) state.windows.push(windowOf(entry));
    await this.signatures(entry, at);
    state.received = Math.max(state.received, secondsOf(entry.receivedAt));
    state.registry.see(entry);
    this.sealAndStreams(position, entry, type, leaf, at);
    if (position + 1 < this.size && this.keptHeads.has(position + 1) && !state.lastIsSeal) report.fault(steps.tree, new Refused('kept-unsealed', { size: position + 1 }), at);
    this.openings(position, entry, at);
    return true;
  }

  /** Whether fields and codes are as this page's catalogue says; another may say otherwise. */
  fieldsKnown(entry) {
    try {
      checkTypeAndFields(entry, this.state.registry, this.state);
      return true;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return error.code !== 'fields';
    }
  }

  /** After an entry that another catalogue describes: what hangs on none is asked to the end. */
  async beyond(entry, at) {
    const { report, state, walkSteps: steps } = this;
    const received = secondsOf(entry.receivedAt);
    if (received < state.received) report.fault(steps.admission, new Refused('time-back', { at: entry.receivedAt }), at);
    state.received = Math.max(state.received, received);
    for (const line of entry.note.signatures) {
      const known = state.registry.of(line);
      const taken = known && keyOf(known.vkey);
      if (taken && !(await signatureHolds(taken, entry.note.bytes, line.signature))) report.fault(steps.signatures, new Refused('signature', { key: line.name }), at);
    }
  }

  /** What an entry adopts, a catalogue or a profile, is at hand. */
  adopts({ event }, at) {
    const field = { [GENESIS]: 'catalogue', 'schema.adopted': 'catalogue', 'rule.profile.adopted': 'profile' }[event.type];
    if (!field) return;
    const digest = event.data[field];
    if (field === 'catalogue' && digest !== CATALOGUE.digest) this.state.foreign = true;
    if (event.type === GENESIS && digest !== CATALOGUE.digest) this.report.cannotTell('catalogue-other');
    // A reader who has not the catalogue of genesis cannot tell, whether it lies there or not.
    if (event.type !== GENESIS && !this.view && this.files && !this.files.has(`documents/${digest}`)) this.report.fault(this.walkSteps.chain, new Refused('document-missing', { digest: String(digest) }), at);
  }

  /** Entries that were signed while a key may have been in other hands. FORMAT.md 11, "Doubt". */
  doubts() {
    const { windows } = this.state;
    if (!windows.length || this.report.faultCount || this.view) return;
    const from = Math.min(...windows.map((window) => window.from));
    const doubts = new Doubts(windows);
    let position = 0;
    for (const bytes of this.entryBytes()) {
      const received = this.state.receivedAt[position];
      if (received !== undefined && secondsOf(received) >= from) doubts.see(readEntry(bytes));
      position++;
    }
    this.report.doubts = doubts.found;
  }

  /** The tree grows; whole tiles of hashes, kept checkpoints and what is watched are compared. */
  push(position, leaf) {
    const { state, report, walkSteps: steps } = this;
    const watched = this.watch.filter(({ size }) => size === position + 1);
    for (const { stream, size } of watched) if (stream !== null) state.watched.set(`${stream} ${size}`, state.map.head(stream));
    state.frontier.push(leaf, (height, number, hash) => {
      if (height % 8) return;
      const level = (state.levels[height / 8] ??= []);
      level.push(hash);
      if (level.length < TILE) return;
      this.hashTile(height / 8, Math.floor(number / TILE), level.splice(0), TILE);
    });
    const kept = this.keptHeads.get(position + 1);
    if (!kept && !watched.length) return;
    const root = state.frontier.root();
    state.roots.set(position + 1, root);
    if (!kept) return;
    steps.tree.of++;
    report.tried(steps.tree, { entry: position }, () => {
      if (!sameBytes(root, kept.root)) refuse('tree-root', { size: position + 1 });
    });
  }

  hashTile(level, number, hashes, width) {
    const { report, walkSteps: steps } = this;
    const path = `tile/${level}/${tileName(number)}${width < TILE ? `.p/${width}` : ''}`;
    steps.tree.of++;
    report.tried(steps.tree, {}, () => {
      if (!sameBytes(this.files.get(path) ?? new Uint8Array(0), joined(hashes))) refuse('tile-hashes', { path });
    });
  }

  /** Signatures are asked for in batches; all that hangs on the entries before is settled at once. */
  async signatures(entry, at) {
    const { report, state, walkSteps: steps } = this;
    steps.signatures.of += entry.note.signatures.length;
    steps.admission.of++;
    state.pending.push(
      checkLines(entry, state.registry, { log: state })
        .then(() => {
          steps.signatures.done += entry.note.signatures.length;
          steps.admission.done++;
        })
        .catch((error) => {
          if (!(error instanceof Refused)) throw error;
          report.fault([5, 6].includes(numberOf(error.code)) ? steps.signatures : steps.admission, error, at);
        }),
    );
    if (state.pending.length >= BATCH) await this.settle();
  }

  async settle() {
    await Promise.all(this.state.pending.splice(0));
  }

  /** A seal says what the map was before it; then every entry enters its streams. */
  sealAndStreams(position, entry, type, leaf, at) {
    const { report, state, walkSteps: steps } = this;
    state.lastIsSeal = entry.event.type === SEAL;
    if (state.lastIsSeal) {
      steps.seals.of++;
      const { data, row, seq } = entry.event;
      state.batch++;
      report.tried(steps.seals, at, () => {
        if (data.batch !== state.batch || row !== `b${state.batch}` || seq !== state.batch) refuse('seal-batch', { want: state.batch });
        if (data.size !== position) refuse('seal-size', { got: String(data.size) });
        if (data.streams !== state.map.size) refuse('seal-streams', { want: state.map.size, got: String(data.streams) });
        if (data.map_root !== hexOf(state.map.root())) refuse('seal-index');
      });
      state.sealed = { size: position + 1, root: state.frontier.root() };
    }
    for (const stream of state.streams.of(entry, type)) state.map.push(stream, position, leaf);
  }

  openings(position, entry, at) {
    const { report, state, walkSteps: steps } = this;
    state.erasures.see(entry, state.registry);
    if (!this.hasOpenings) return;
    if (position % TILE === 0) {
      const file = this.files.get(`openings/${tileName(position / TILE)}`);
      state.lines = file ? splitLines(file) : null;
      if (file && state.lines.length !== Math.min(TILE, this.size - position)) {
        report.fault(steps.openings, new Refused('opening-lines', { path: `openings/${tileName(position / TILE)}` }));
        state.lines = null;
      }
    }
    const line = state.lines?.[position % TILE];
    if (!line || !line.length) return;
    steps.openings.of++;
    report.tried(steps.openings, at, () => {
      const opening = readOpening(line);
      if (opening.entry !== position || !sameBytes(opening.event, entry.idOfEvent)) refuse('opening-other');
      const slots = openSlots(entry.event, opening.digests, opening.slots);
      if (!slots.length) refuse('slot-count', { want: 0, got: opening.slots.length });
      for (const slot of slots) if (slot.value !== undefined || slot.sealed !== undefined) state.open.set(`${entry.address} ${slot.name}`, position);
      for (const slot of slots) {
        if (slot.erasedBy !== undefined) state.claims.push({ slot: slot.name, by: slot.erasedBy, address: entry.address, at });
      }
    });
  }

  async finish() {
    const { report, state, walkSteps: steps } = this;
    if (state.frontier.count === this.size) {
      state.levels.forEach((hashes, level) => {
        if (hashes.length) this.hashTile(level, Math.floor(Math.floor(this.size / TILE ** level) / TILE), hashes, hashes.length);
      });
    }
    if (this.size && !state.lastIsSeal && !state.beyond && !report.unknown.some((u) => u.code === 'type-unknown')) {
      report.fault(steps.seals, new Refused('seal-not-last', { index: this.size - 1 }), { entry: this.size - 1 });
    }
    await this.logKey();
    checkOwnWitnesses(this.report, this.trust, this.state.registry);
    report.erased = state.claims.length;
    if (state.claims.length) {
      await report.step('17', 'erasures', (step) => {
        step.of = state.claims.length;
        for (const { slot, by, address, at } of state.claims) {
          report.tried(step, at, () => {
            if (!state.erasures.erases(by, address, slot)) refuse('not-erased', { slot, by });
          });
        }
      });
    }
    this.stillOpen();
    report.bundle = {
      entries: this.size,
      from: state.receivedAt[0] ?? null,
      to: state.receivedAt.at(-1) ?? null,
      streams: state.map.size,
      parties: state.registry.roles.size,
      types: [...state.counts].sort((a, b) => b[1] - a[1]),
    };
    report.beside = { origin: this.head.origin, size: this.size, root: this.head.root, roots: state.roots, heads: state.watched, erasures: state.erasures };
  }

  /** Every checkpoint is signed by the key that genesis names: a policy may have several for one log. */
  async logKey() {
    const { report, state } = this;
    const { logKey } = state.registry;
    if (!logKey || !report.anchor) return;
    await report.step('10.1', 'log-key', (step) => {
      // What the step before found signed by the only key that there is needs no second look.
      const heads = this.keys.length === 1 && this.keys[0].text === logKey.text ? [] : [this.head, ...this.keptHeads.values()];
      step.done = step.of = 1;
      if (!heads.every((head) => signedStrictly(head.note, logKey))) refuse('log-key', { key: logKey.text });
    });
  }

  /** What a lawful erasure names stands open nowhere; openings that were handed out before it have it still, so it is no lie. FORMAT.md 17. */
  stillOpen() {
    const { erasures, open } = this.state;
    const still = [...erasures.judged].flatMap(([by, names]) => [...(names ?? [])].filter((name) => open.has(name)).map((name) => ({ name, entry: open.get(name), by })));
    const [first] = still;
    if (first) this.report.cannotTell('still-open', { count: still.length, slot: first.name.split(' ')[1], entry: first.entry, by: first.by });
  }

  /** When a checkpoint was seen: the earliest time by which witnesses that reach the quorum had cosigned it, or null. */
  seenAt(head) {
    const { policy } = this;
    const cosigned = [...policy.witnesses].map(([name, vkey]) => ({ name, time: cosignedAt(head.note, vkey) })).filter(({ time }) => time !== null);
    cosigned.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
    const last = cosigned.findIndex((_, i) => quorumReached(policy, cosigned.slice(0, i + 1).map(({ name }) => name)));
    return last < 0 ? null : Number(cosigned[last].time);
  }

  /** Each time of receipt is bounded from both sides by when the first checkpoint over the entry was seen. */
  async times() {
    const { report, state } = this;
    const none = !this.policy?.witnesses.size;
    const seen = none ? [] : this.heads.map((head) => ({ size: Number(head.size), time: this.seenAt(head) })).filter(({ time }) => time !== null);
    if (!seen.length) {
      report.leftOut('10.5', 'times', none ? 'times-nobody' : 'times-unseen');
      report.notChecked.push({ code: 'times-nobody' });
      return;
    }
    // Who has seen a larger tree has seen the smaller one.
    seen.sort((a, b) => a.size - b.size);
    for (let i = seen.length - 1; i > 0; i--) seen[i - 1].time = Math.min(seen[i - 1].time, seen[i].time);
    const spans = [];
    let count = 0;
    await report.step('10.5', 'times', async (step) => {
      step.of = this.size;
      let next = 0;
      let ahead = false;
      for (let position = 0; position < this.size; position++) {
        while (next < seen.length && seen[next].size <= position) next++;
        const received = state.receivedAt[position];
        if (received === undefined) continue; // what the entry says is not known
        const time = seen[next]?.time ?? null;
        const early = time === null ? null : secondsOf(received) - time;
        if (early !== null && early > DRIFT) {
          if (!ahead) report.fault(step, new Refused('time-ahead', { received, seen: instantOf(time) }), { entry: position });
          ahead = true;
        } else if (early !== null && -early <= BOUND) {
          step.done++;
        } else {
          count++;
          const span = spans.at(-1);
          const said = time === null ? null : instantOf(time);
          if (span && span.last === position - 1 && span.seen === said) Object.assign(span, { last: position, to: received });
          else spans.push({ first: position, last: position, from: received, to: received, seen: said });
        }
        await report.progress('times', step.done, step.of);
      }
    });
    if (!count) return;
    report.unbounded = { count, spans: spans.slice(0, SPANS) };
    const named = spans.slice(0, SPANS + 1).map(({ first, last }) => (first === last ? `${first}` : `${first}–${last}`));
    report.notChecked.push({ code: 'times', values: { count, spans: named } });
  }
}

/** The policy that lies inside, or null: it is shown, never trusted, so one that does not read says nothing and is no fault. */
function policyInside(bytes) {
  try {
    return bytes ? readPolicy(bytes) : null;
  } catch {
    return null;
  }
}

/** Lines without their ends; a file without a last line end has none of that line. */
function splitLines(bytes) {
  const lines = [];
  for (let from = 0; from < bytes.length; ) {
    const end = bytes.indexOf(0x0a, from);
    if (end < 0) return [];
    lines.push(bytes.subarray(from, end));
    from = end + 1;
  }
  return lines;
}

/** Checks a bundle in one archive. `watch` asks for heads of streams under a size, to set packs against them. */
const checkBundle = (given, trust = nobody(), options = {}) => new BundleCheck(given, trust, options).run();

/** Where an archive is none that this page takes: what seems to have happened to it. */
function archiveTrouble(bytes) {
  const instead = insteadOf(bytes);
  if (instead) return { code: `instead-${instead}` };
  const names = [];
  for (let at = 0; at + 512 <= bytes.length; ) {
    const head = bytes.subarray(at, at + 512);
    if (head.every((byte) => byte === 0)) break;
    if (asciiOf(head.subarray(257, 262)) !== 'ustar') return { code: 'archive-damaged', values: { offset: at } };
    const name = asciiOf(head.subarray(0, 100));
    const kind = String.fromCharCode(head[156] || 0x30);
    if (kind !== '0' || name.startsWith('./')) return { code: 'archive-by-hand' };
    const size = parseInt(asciiOf(head.subarray(124, 136)).trim(), 8);
    if (!(size >= 0)) return { code: 'archive-damaged', values: { offset: at } };
    names.push(name);
    at += 512 + Math.ceil(size / 512) * 512;
    if (at > bytes.length) return { code: 'archive-cut' };
  }
  return whereBundle(names) ? { code: 'archive-by-hand' } : { code: 'archive-damaged', values: { offset: bytes.length } };
}

/** Checks a bundle; where its files are at fault and their way explains all of it, nothing can be told, and why is said. */
async function judgeBundle(given, trust = nobody(), options = {}) {
  if (given instanceof Map) {
    const root = whereBundle([...given.keys()]);
    if (root !== '' && !given.has('checkpoint')) {
      const report = new Report('bundle');
      const packed = [...given.keys()].find((path) => /\.(tar|tgz|gz|zip|7z|rar)$/i.test(path));
      if (root) report.cannotTell('folder-below', { at: root.slice(0, -1) });
      else if (packed) report.cannotTell('folder-packed', { at: packed });
      else report.cannotTell('folder-none');
      return report;
    }
  }
  const check = new BundleCheck(given, trust, options);
  const report = await check.run();
  if (!report.faultCount) return report;
  const { files } = check;
  const root = files && !(given instanceof Map) ? whereBundle([...files.keys()]) : '';
  if (!files || root) {
    const { code, values } = files ? { code: 'archive-by-hand' } : archiveTrouble(given);
    report.setAside(code, values);
    return report;
  }
  const inFiles = ['file-missing', 'file-changed', 'file-extra', 'line'];
  if (!report.faults.some((fault) => inFiles.includes(fault.code) || fault.name === 'manifest' || (fault.section === '10.1' && fault.name === 'form'))) return report;
  const own = policyInside(files.get('policy')) ?? nobody();
  const keys = (origin) => (trust.logs.some((vkey) => vkey.name === origin) ? trust : own).logs.filter((vkey) => vkey.name === origin);
  const holds = async (view) => {
    const found = await new BundleCheck(view, { ...trust, policy: trust.policy && { ...trust.policy, quorum: 'none' } }, { view: true }).run();
    return !found.faultCount;
  };
  let copy = null;
  try {
    copy = await new CopyCheck(files, keys).look(holds);
  } catch (error) {
    report.internal = error; // what does not hold stays so
  }
  if (copy) report.setAside('copy', { copy });
  return report;
}
