// What happened to this copy of a bundle: one that broke off, that was laid over an older one, or that an editor had in
// hand does not fit its manifest, and nobody lied. Each file that does not fit is looked at; if its way explains all of
// them, and what can still be checked holds, nothing can be told and nobody is accused. FORMAT.md 13.2.

const STRAY_NAMES = STRAYS.map((name) => new RegExp(`^${name.split('*').map((part) => part.replace(/[.+^$()[\]{}|\\]/g, '\\$&').replaceAll('?', '[0-9]').replaceAll('%', '[a-z0-9]')).join('.*')}$`, 's'));

/** Whether a name is one that systems and programs leave behind. */
const isStray = (name) => {
  const plain = name.replace(/\r$/, '').replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  return STRAY_NAMES.some((pattern) => pattern.test(plain));
};

/** The first part of a path that systems leave behind, up to its end; null if there is none. */
function strayOf(path) {
  const parts = path.split('/');
  const at = parts.findIndex(isStray);
  return at < 0 ? null : parts.slice(0, at + 1).join('/');
}

/** The tile that a path names, or null. */
function tileOf(path) {
  const match = /^tile\/(entries|[0-9]{1,2})\/((?:x[0-9]{3}\/)*[0-9]{3})(?:\.p\/([0-9]{1,3}))?$/.exec(path);
  if (!match) return null;
  const number = Number(match[2].replace(/[x/]/g, ''));
  const width = match[3] === undefined ? TILE : Number(match[3]);
  const level = match[1] === 'entries' ? 'entries' : Number(match[1]);
  const tile = { level, number, width, path };
  return width >= 1 && width <= TILE && Number.isSafeInteger(number) && tilePath(tile) === path ? tile : null;
}

const tilePath = ({ level, number, width }) => `tile/${level}/${tileName(number)}${width < TILE ? `.p/${width}` : ''}`;

const keptSize = (path) => {
  const size = path.startsWith('checkpoints/') ? decimal(path.slice(12)) : null;
  return size === null ? null : size;
};

const openingsNumber = (path) => /^openings\/(x[0-9]{3}\/)*[0-9]{3}$/.test(path);

/** Whether a bundle of some size may have such a file: then it is content, whatever its name looks like. */
const isContent = (path) =>
  ['checkpoint', 'policy', 'manifest', 'verify.html'].includes(path) ||
  tileOf(path) !== null ||
  keptSize(path) !== null ||
  /^documents\/[0-9a-f]{64}$/.test(path) ||
  openingsNumber(path);

const beginsWith = (long, short) => sameBytes(long.subarray(0, short.length), short);

/** Bytes that a medium writes at once. */
const SECTOR = 512;

/** Whether a sector of a file, or the rest of the last one, holds zeros alone: nothing that the ledger writes does. */
function isZeroed(bytes) {
  for (let at = 0; at < bytes.length; at += SECTOR) {
    const sector = bytes.subarray(at, at + SECTOR);
    if (sector.length >= 32 && sector.every((byte) => byte === 0)) return true;
  }
  return false;
}

/** CR before LF taken away, however many. */
function bytesWithoutCr(bytes) {
  const kept = new Uint8Array(bytes.length);
  let length = 0;
  for (const byte of bytes) {
    while (byte === 0x0a && length && kept[length - 1] === 0x0d) length--;
    kept[length++] = byte;
  }
  return kept.subarray(0, length);
}

/** Whether bytes are the beginning of a manifest's first line. */
const isFirstOfManifest = (bytes) => /^(?:[0-9a-f]{0,64}|[0-9a-f]{64} (?: [A-Za-z0-9._/-]*)?)$/.test(latinOf(bytes.subarray(0, 512))) && bytes.length <= 512;

const latinOf = (bytes) => String.fromCharCode(...bytes);

const OWN_ENDS = ['.pack', '.tlog-proof', '.tar', '.tgz', '.gz', '.zip', '.7z', '.rar', '.age'];

/** Whether a file of its own lies in a bundle's folder: another of the ledger's files, or something packed. */
const isOfNoBundle = (path, bytes) =>
  ['zip', 'gzip', 'packed', 'encrypted'].includes(insteadOf(bytes)) || looksLikeTar(bytes) || OWN_ENDS.some((end) => path.toLowerCase().endsWith(end));

/** Whether a policy lacks its line of a quorum, as one does that broke off. */
function lacksQuorum(bytes) {
  const text = textUntilTorn(bytes);
  return text !== null && !text.split('\n').some((line) => line.startsWith('quorum'));
}

/** How every entry begins. FORMAT.md 6. */
const ENTRY_START = 'oversight-entry/v1\n';

class CopyCheck {
  constructor(files, keys) {
    this.files = new Map([...files].filter(([path]) => isContent(path) || strayOf(path) === null));
    this.keys = keys;
    this.counts = { missing: 0, changed: 0, more: 0 };
    this.examples = [];
    this.mended = new Map();
    this.lost = new Set();
    this.ofAnotherDay = [];
    this.mixed = false;
    this.listed = null;
    this.size = null;
  }

  tell(count, path, code, values = {}) {
    this.counts[count]++;
    if (this.examples.length < 3) this.examples.push({ path, code, values });
    return true;
  }

  /** A checkpoint that the log's key signed, or null. */
  headOf(bytes) {
    try {
      const head = readCheckpoint(bytes);
      return this.keys(head.origin).some((vkey) => signedStrictly(head.note, vkey)) ? head : null;
    } catch {
      return null;
    }
  }

  /** What is explained: counts, examples, entries that hold; null if not all of it is. `walk` checks what is whole. */
  async look(walk) {
    if (!this.manifest() || !this.all()) return null;
    if (this.ofAnotherDay.length && !this.mixed) return null;
    for (const path of this.ofAnotherDay) this.tell('changed', path, 'other-day');
    const held = await this.holds(walk);
    if (held === null || !this.examples.length) return null;
    return { ...this.counts, examples: this.examples, held };
  }

  manifest() {
    const bytes = this.files.get('manifest');
    if (!bytes) {
      return this.tell('missing', 'manifest', 'not-there');
    }
    const read = (given) => {
      try {
        const listed = readManifest(given);
        return listed.size ? listed : null;
      } catch {
        return null;
      }
    };
    const undone = undo(bytes);
    // Undone, what breaks off within a path would name another file.
    const whole = (listed) => (listed && [...listed.keys()].every(isContent) ? listed : null);
    const mended = undone && whole(read(undone.bytes));
    const end = bytes.lastIndexOf(0x0a);
    const instead = insteadOf(bytes);
    this.listed = read(bytes);
    if (!this.listed && instead) this.tell('changed', 'manifest', `instead-${instead}`);
    else if (!this.listed && mended) {
      this.tell('changed', 'manifest', 'way', { changes: undone.changes });
      this.listed = mended;
    } else if (!this.listed && end >= 0 && end + 1 < bytes.length && read(bytes.subarray(0, end + 1))) this.tell('changed', 'manifest', 'broke-off');
    else if (!this.listed && isFirstOfManifest(bytes)) this.tell('changed', 'manifest', 'broke-off');
    else if (!this.listed && bytes.includes(0)) this.tell('changed', 'manifest', 'zeroed');
    else if (!this.listed) return false;
    if (!this.listed) return true;
    const ends = [...this.listed.keys()].map(tileOf).filter((tile) => tile?.level === 'entries');
    this.size = Math.max(0, ...ends.map(({ number, width }) => number * TILE + width));
    return true;
  }

  all() {
    const { listed } = this;
    if (!listed) {
      this.withoutManifest();
      return true;
    }
    const twins = new Map();
    const twin = (digest, path) => twins.set(hexOf(digest), [...(twins.get(hexOf(digest)) ?? []), path]);
    for (const [path, digest] of listed) {
      if (!isContent(path)) return false;
      twin(digest, path);
      const bytes = this.files.get(path);
      if (!bytes) this.tell('missing', path, 'not-there');
      else if (!sameBytes(sha256(bytes), digest) && !this.changed(path, bytes, digest)) return false;
    }
    twin(sha256(this.files.get('manifest')), 'manifest');
    for (const [path, bytes] of this.files) if (path !== 'manifest' && !listed.has(path) && !this.more(path, bytes, twins)) return false;
    return true;
  }

  /** Where no manifest says what each file is: tiles that are of no use, by what happened to them. */
  withoutManifest() {
    for (const [path, bytes] of this.files) {
      const tile = tileOf(path);
      if (!tile) continue;
      const instead = insteadOf(bytes);
      const what = instead ? `instead-${instead}` : isZeroed(bytes) ? 'zeroed' : this.tileIsCut(tile, bytes, null) ? 'broke-off' : null;
      if (!what) continue;
      this.lost.add(path);
      this.tell('changed', path, what);
    }
  }

  /** A tile with more than it had when it was made, which can be taken away. */
  withMore(tile, bytes, want) {
    let end = tile.level === 'entries' ? 0 : tile.width * 32;
    if (tile.level === 'entries') {
      for (let i = 0; i < tile.width; i++) end = end + 2 <= bytes.length ? end + 2 + ((bytes[end] << 8) | bytes[end + 1]) : Infinity;
    }
    const made = end <= bytes.length ? bytes.subarray(0, end) : null;
    const fits = (one) => one !== null && sameBytes(sha256(one), want);
    const crs = bytesWithoutCr(bytes);
    const [code, mended] = fits(made) ? ['more-after', made] : fits(crs) ? ['as-text', crs] : [null, null];
    if (code === null) return false;
    this.mended.set(tile.path, mended);
    return this.tell('changed', tile.path, code);
  }

  /** A file that is not the one listed. */
  changed(path, bytes, want) {
    for (const undone of [undo(bytes), undo(bytes, false), undo(bytes, false, false)]) {
      if (!undone || !sameBytes(sha256(undone.bytes), want)) continue;
      this.mended.set(path, undone.bytes);
      return this.tell('changed', path, 'way', { changes: undone.changes });
    }
    const lose = (code) => {
      this.lost.add(path);
      return this.tell('changed', path, code);
    };
    const instead = insteadOf(bytes);
    if (instead && (path !== 'verify.html' || !bytes.length)) return lose(`instead-${instead}`);
    const tile = tileOf(path);
    if (tile) {
      if (this.withMore(tile, bytes, want)) return true;
      if (isZeroed(bytes)) return lose('zeroed');
      const hashes = this.listed.get(tilePath({ ...tile, level: 0 })) ?? null;
      return this.tileIsCut(tile, bytes, hashes) && lose('broke-off');
    }
    if (bytes.includes(0) && (undo(bytes)?.bytes ?? bytes).includes(0)) return lose('zeroed');
    const kept = keptSize(path);
    if (path === 'checkpoint' || kept !== null) {
      const head = this.headOf(bytes);
      if (head) {
        const other = path === 'checkpoint' && Number(head.size) !== this.size;
        this.mixed ||= other;
        this.tell('changed', path, 'other-day-head', { size: Number(head.size) });
        return other || path === 'checkpoint' || kept === head.size;
      }
      this.lost.add(path);
      return isCut('checkpoint', undo(bytes, false)?.bytes ?? bytes) && this.tell('changed', path, 'broke-off');
    }
    const opening = path.startsWith('openings/');
    const loose = path === 'policy' || path === 'verify.html' || opening;
    const ends = path === 'policy' ? !lacksQuorum(bytes) : path !== 'verify.html' || /<\/html>[ \t\r\n\f]*$/.test(latinOf(bytes.subarray(-512)));
    if ((bytes.at(-1) !== 0x0a || !ends) && textUntilTorn(bytes) !== null && (loose || path.startsWith('documents/'))) return lose('broke-off');
    if (loose) this.ofAnotherDay.push(path);
    return loose;
  }

  /** Whether a tile is the beginning of what it should be; `want` is the digest of the hashes of its entries, or null. */
  tileIsCut({ level, width, number }, bytes, want) {
    let body = bytes.length;
    while (body && bytes[body - 1] === 0) body--;
    if (level !== 'entries') return bytes.length < width * 32 || (body + 32 <= bytes.length && bytes.length === width * 32);
    const hashes = this.files.get(tilePath({ level: 0, number, width }));
    // Where the hashes are gone too, entries are told by how they begin.
    const known = hashes?.length === width * 32 && (want ? sameBytes(sha256(hashes), want) : !isZeroed(hashes));
    let at = 0;
    for (let i = 0; i < width; i++) {
      const length = at + 2 <= bytes.length ? (bytes[at] << 8) | bytes[at + 1] : Infinity;
      // What is left is the beginning of one entry, and of no more than that.
      if (at + 2 + length > bytes.length) {
        const rest = new TextDecoder('latin1').decode(bytes.subarray(at + 2));
        return startsOf(rest, ENTRY_START) && !rest.slice(1).includes(ENTRY_START);
      }
      const entry = bytes.subarray(at + 2, at + 2 + length);
      const fits = known ? sameBytes(tagged(0, entry), hashes.subarray(i * 32, i * 32 + 32)) : beginsWith(entry, utf8(ENTRY_START));
      at += 2 + length;
      if (!fits) return at > body || length === 0;
    }
    return false;
  }

  /** A file that is not listed. */
  more(path, bytes, twins) {
    const tile = tileOf(path);
    if (tile) {
      const same = [...this.listed.keys()].map(tileOf).filter((other) => other?.level === tile.level && other.number === tile.number);
      const ours = same.sort((a, b) => b.width - a.width).map((other) => this.files.get(other.path))[0];
      this.mixed = true;
      this.tell('more', path, 'other-day');
      return !ours || (ours.length < bytes.length ? beginsWith(bytes, ours) : beginsWith(ours, bytes));
    }
    const kept = keptSize(path);
    if (kept !== null) return this.headOf(bytes)?.size === kept && this.tell('more', path, 'other-day');
    if (path === `documents/${hexOf(sha256(bytes))}`) return this.tell('more', path, 'other-day');
    if (openingsNumber(path) || path === 'verify.html' || path === 'policy') {
      this.ofAnotherDay.push(path);
      return true;
    }
    if (isContent(path)) return false;
    const nameOfPath = (one) => one.split('/').at(-1).toLowerCase();
    const twin = (twins.get(hexOf(sha256(bytes))) ?? []).find((one) => nameOfPath(path).includes(nameOfPath(one).split('.')[0]));
    if (twin !== undefined) return this.tell('more', path, 'twin', { twin });
    if (this.isInAnother(path)) return this.tell('more', path, 'in-another');
    return isOfNoBundle(path, bytes) && this.tell('more', path, 'of-its-own');
  }

  /** Whether a path is below a folder that is a bundle itself. */
  isInAnother(path) {
    const parts = path.split('/');
    return parts.some((_, i) => {
      const above = parts.slice(0, i).join('/');
      return i > 0 && this.files.has(`${above}/manifest`) && this.files.has(`${above}/checkpoint`);
    });
  }

  /** How many entries are whole and hold: 0 where nothing can be checked, null where what is there lies. */
  async holds(walk) {
    const heads = new Map();
    for (const [path, bytes] of this.files) {
      if ((path !== 'checkpoint' && keptSize(path) === null) || this.lost.has(path)) continue;
      const given = this.mended.get(path) ?? bytes;
      const head = this.headOf(given) ?? this.headOf(undo(given)?.bytes ?? given);
      if (head) heads.set(Number(head.size), head);
    }
    const widest = new Map();
    for (const path of this.files.keys()) {
      const tile = this.lost.has(path) ? null : tileOf(path);
      const place = tile && `${tile.level} ${tile.number}`;
      if (tile && tile.width > (widest.get(place)?.width ?? 0)) widest.set(place, tile);
    }
    const there = ({ level = 'entries', number, width }) => (widest.get(`${level} ${number}`)?.width ?? 0) >= width;
    for (const [size, head] of [...heads].sort(([a], [b]) => b - a)) {
      if (!size || size / TILE > widest.size || size > LIMITS.entries || ![...tilePaths(size).values()].every(there)) continue;
      const view = new Map([['checkpoint', utf8(noteText(head.note))]]);
      for (const [path, { level = 'entries', number, width }] of tilePaths(size)) view.set(path, this.part(widest.get(`${level} ${number}`), width));
      for (const [kept, other] of heads) if (kept && kept <= size) view.set(`checkpoints/${kept}`, utf8(noteText(other.note)));
      return (await walk(view)) ? size : null;
    }
    return 0;
  }

  /** The beginning of a tile. */
  part(tile, width) {
    const bytes = this.mended.get(tile.path) ?? this.files.get(tile.path);
    if (tile.level !== 'entries') return bytes.subarray(0, width * 32);
    let at = 0;
    for (let i = 0; i < width && at + 2 <= bytes.length; i++) at += 2 + ((bytes[at] << 8) | bytes[at + 1]);
    return bytes.subarray(0, at);
  }
}

const noteText = ({ text, signatures }) => `${text}\n${signatures.map(({ line }) => `${line}\n`).join('')}`;

/** Where the bundle seems to be in files that are none themselves; null if they are one, or none is among them. */
function whereBundle(paths) {
  const root = paths.map((path) => /^(.*?)(manifest|tile\/entries\/.*)$/.exec(path)?.[1]).filter((found) => found !== undefined && (found === '' || found.endsWith('/')));
  const found = [...new Set(root)].sort((a, b) => a.length - b.length);
  return found.length ? found[0] : null;
}
