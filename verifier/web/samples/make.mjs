// Makes the samples of the page: a small log of an invented country, packs of it, and packs that lie.
//
//     node verifier/web/samples/make.mjs
//
// Every key and salt here comes from a word and is known to everybody. Needs nothing but Node's own Ed25519.

import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import vm from 'node:vm';

const here = new URL('.', import.meta.url);
const source = (name) => readFileSync(new URL(`../src/${name}.js`, here), 'utf8');
const order = readFileSync(new URL('../src/order', here), 'utf8').trim().split('\n');
const page = readFileSync(new URL('../verify.html', here), 'utf8');
const context = vm.createContext({ TextEncoder, TextDecoder, setTimeout, Date, Uint8Array });
const wanted = 'base64, base64url, hexOf, hash64, joined, sha256, tagged, u64Bytes, utf8, writeJson, rootOfLeaves, node, streamKey, itemLeaf, headValue, mapLeaf, mapNode, StreamMap, Streams, Registry, bitOf, readEntry, typeOf, slotsOf';
const files = order.filter((name) => !name.startsWith('ui')).map(source).join('\n');
const catalogue = /<script type="application\/json" id="catalogue">(.*?)<\/script>/s.exec(page)[1];
vm.runInContext(`'use strict';\nconst STRAYS = [];\n${files}\nCATALOGUE = ${catalogue};\nglobalThis.made = { ${wanted} };`, context);
const { base64, base64url, hexOf, hash64, joined, sha256, tagged, utf8, writeJson, rootOfLeaves, node } = context.made;
const { streamKey, mapLeaf, StreamMap, Streams, Registry, bitOf, readEntry, typeOf, slotsOf } = context.made;

const ORIGIN = 'velmora.example/samples';

/** A test key: its seed is the hash of its name. */
function testKey(name, type = 1) {
  const seed = createHash('sha256').update(`samples of the page: ${name}`).digest();
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
  const secret = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const bytes = createPublicKey(secret).export({ format: 'der', type: 'spki' }).subarray(-32);
  const typed = Buffer.concat([Buffer.of(type), bytes]);
  const id = createHash('sha256').update(name).update('\n').update(typed).digest().subarray(0, 4);
  const vkey = `${name}+${id.toString('hex')}+${typed.toString('base64')}`;
  const line = (bytesSigned) => `— ${name} ${Buffer.concat([id, bytesSigned]).toString('base64')}\n`;
  return { name, vkey, line, sign: (text) => line(sign(null, Buffer.from(text), secret)), raw: (text) => sign(null, Buffer.from(text), secret) };
}

const holder = (party, name) => testKey(`${ORIGIN}/${party}/${name}`);
const logKey = testKey(ORIGIN);
const witness = testKey('witness.example/samples', 4);
const auditor = testKey('auditor.example/samples');

/** A log in memory. */
class Log {
  constructor() {
    this.entries = [];
    this.openings = [];
    this.prev = new Uint8Array(32);
    this.batch = 0;
    this.seqs = new Map();
    this.registry = new Registry(ORIGIN);
    this.streams = new Streams(this.registry);
    this.map = new StreamMap();
  }

  append(receivedAt, { by, type, keys, data = {}, refs = {}, id, hidden = {}, row, seq }) {
    const kind = typeOf(type);
    const number = seq ?? (this.seqs.get(keys[0].name) ?? 0) + 1;
    this.seqs.set(keys[0].name, number);
    const event = { at: receivedAt.slice(0, 10), by, data, ledger: ORIGIN, refs, row: row ?? `r${this.entries.length}`, seq: number, type, v: kind.v };
    if (id) event.id = `${by}/${id}`;
    const values = { occurred_at: receivedAt, recorded_at: receivedAt, ...hidden };
    const slots = slotsOf(kind).map((name) => disclosure(`${this.entries.length} ${name}`, name, values[name] ?? null));
    const digests = slots.map((slot) => sha256(utf8(slot)));
    if (slots.length) event.hidden = base64(tagged(6, ...digests));
    const text = `oversight-event/v1\n${writeJson(event)}\n`;
    const note = `${text}\n${keys.map((key) => key.sign(text)).join('')}`;
    const bytes = utf8(`oversight-entry/v1\n${this.entries.length} ${receivedAt} ${base64(this.prev)}\n${note}`);
    const entry = readEntry(bytes);
    this.prev = entry.leaf;
    this.registry.see(entry);
    const position = this.entries.push({ ...entry, bytes }) - 1;
    this.openings.push({ digests, slots });
    for (const stream of this.streams.of(entry, kind)) {
      this.map.push(stream, position, entry.leaf);
      const of = this.map.streams.get(stream);
      (of.items ??= []).push(position);
    }
    return position;
  }

  seal(receivedAt) {
    const position = this.entries.length;
    this.batch++;
    const data = { batch: this.batch, map_root: hexOf(this.map.root()), size: position, streams: this.map.size };
    this.snapshot = this.snapshot ?? new Map();
    this.snapshot.set(position + 1, mapOf(this.map));
    this.append(receivedAt, { by: 'op-ledger', type: 'ledger.index.sealed', keys: [keys.ledger], data, row: `b${this.batch}`, seq: this.batch });
    return position + 1;
  }

  leaves(size) {
    return this.entries.slice(0, size).map((entry) => entry.leaf);
  }

  checkpoint(size, { forged = false } = {}) {
    const time = Date.parse(this.entries[size - 1].receivedAt) / 1000 + 60;
    const text = `${ORIGIN}\n${size}\n${base64(rootOfLeaves(this.leaves(size)))}\n`;
    const stamp = Buffer.alloc(8);
    stamp.writeBigUInt64BE(BigInt(time));
    const seen = forged ? text.replace(/\n.*\n$/, `\n${base64(new Uint8Array(32))}\n`) : text;
    const cosigned = Buffer.concat([stamp, witness.raw(`cosignature/v1\ntime ${time}\n${seen}`)]);
    return `${text}\n${logKey.sign(text)}${witness.line(cosigned)}`;
  }

  /** Lines of a pack, as objects. */
  pack(size, stream, audience, { since = [], withheld = () => false, sealed = () => false, erased = () => null, statement = null, forged = false } = {}) {
    const leaves = this.leaves(size);
    const proven = (index) => ({ entry: base64(this.entries[index].bytes), index, proof: inclusion(index, leaves).map(base64) });
    const map = this.snapshot.get(size);
    const { path, leaf } = mapProof(map, streamKey(stream));
    const here = leaf && hexOf(leaf.key) === hexOf(streamKey(stream)) ? leaf : null;
    const lines = [
      { audience, ledger: ORIGIN, pack: 'oversight-pack/v1', stream },
      { checkpoint: this.checkpoint(size, { forged }) },
      { policy },
      { seal: proven(size - 1) },
      here
        ? { map: { count: here.items.length, last: here.items.at(-1), path: base64(path), root: base64(here.root) } }
        : { absent: { head: base64(leaf.head), key: base64(leaf.key), path: base64(path) } },
      ...since.map((older) => ({ since: { proof: consistency(older, leaves).map(base64), size: older } })),
    ];
    if (statement) {
      const text = `oversight-index-recomputed/v1\n${ORIGIN}\n${statement}\n${base64(rootOfLeaves(this.leaves(statement)))}\n`;
      lines.push({ statement: { note: `${text}\n${auditor.sign(text)}`, proof: consistency(statement, leaves).map(base64) } });
    }
    const items = here ? here.items : [];
    for (const index of items) {
      const { digests, slots } = this.openings[index];
      const names = slotsOf(typeOf(this.entries[index].event.type));
      const shown = slots.map((slot, i) => {
        const by = erased(index, names[i]);
        if (sealed(index, names[i])) return { sealed: Buffer.from(`age-encryption.org/v1\n${slot}`).toString('base64') };
        return by !== null ? { erased_by: by } : withheld(index, names[i]) ? { withheld: true } : slot;
      });
      lines.push({ item: { digests: digests.map(base64), ...proven(index), slots: shown } });
    }
    const brought = new Map();
    this.entries.slice(0, size).forEach((entry, index) => {
      const { data, type } = entry.event;
      const brings = type === 'ledger.genesis' ? [...data.operator_keys, ...data.registrar_keys, ...data.oversight_keys] : [data.public_key];
      for (const vkey of brings) if (typeof vkey === 'string' && !brought.has(vkey.split('+')[0])) brought.set(vkey.split('+')[0], index);
    });
    const needed = new Set();
    const need = (index) => {
      for (const line of this.entries[index].note.signatures) {
        const from = brought.get(line.name);
        if (from !== undefined && !needed.has(from)) {
          needed.add(from);
          need(from);
        }
      }
    };
    [...items, size - 1].forEach(need);
    for (const index of [...needed].filter((n) => !items.includes(n)).sort((a, b) => a - b)) lines.push({ key: proven(index) });
    return lines;
  }
}

function disclosure(seed, name, value) {
  const salt = createHash('sha256').update(`salt of ${seed}`).digest();
  const json = value === null ? 'null' : writeJson(value);
  return base64url(utf8(`["${base64url(salt)}",${writeJson(name)},${json}]`));
}

function inclusion(index, leaves) {
  if (leaves.length <= 1) return [];
  const half = 2 ** Math.ceil(Math.log2(leaves.length)) / 2;
  return index < half
    ? [...inclusion(index, leaves.slice(0, half)), rootOfLeaves(leaves.slice(half))]
    : [...inclusion(index - half, leaves.slice(half)), rootOfLeaves(leaves.slice(0, half))];
}

function consistency(older, leaves, whole = true) {
  if (older === leaves.length) return whole ? [] : [rootOfLeaves(leaves)];
  const half = 2 ** Math.ceil(Math.log2(leaves.length)) / 2;
  return older <= half
    ? [...consistency(older, leaves.slice(0, half), whole), rootOfLeaves(leaves.slice(half))]
    : [...consistency(older - half, leaves.slice(half), false), rootOfLeaves(leaves.slice(0, half))];
}

/** The map as it stands: its nodes with hashes, its streams with their items. */
function mapOf(map) {
  map.root();
  const copy = (at) =>
    at.bit === undefined
      ? { key: at.key, hash: at.hash, items: [...at.items], root: at.frontier.root(), head: context.made.headValue(at.key, map.head(at.name)) }
      : { bit: at.bit, hash: at.hash, left: copy(at.left), right: copy(at.right) };
  return copy(map.top);
}

function mapProof(top, key) {
  const path = [];
  let at = top;
  while (at.bit !== undefined) {
    const right = bitOf(key, at.bit) === 1;
    path.push(Uint8Array.of(at.bit), (right ? at.left : at.right).hash);
    at = right ? at.right : at.left;
  }
  return { path: joined(path), leaf: at };
}

const keys = {
  ledger: holder('op-ledger', 'ledger'),
  ops: holder('op-ledger', 'ops-1'),
  cabinet: holder('min-justice', 'cabinet-1'),
  chief: holder('npm', 'chief-1'),
  registry: holder('adm-prisons', 'registry-1'),
  legal: holder('adm-prisons', 'legal-1'),
  desk: holder('fac-harvane', 'desk-1'),
  governor: holder('fac-harvane', 'governor-1'),
  office: holder('cso-league', 'office-1'),
};
const policy = `log ${logKey.vkey}\nwitness university ${witness.vkey}\nquorum university\n`;
const en = (text) => ({ lang: 'en', text });

/** What happened; or what an operator shows to others, without the organisation's dispute. */
function history(disputed) {
  const log = new Log();
  log.append('2031-01-06T08:00:00Z', {
    by: 'op-ledger', type: 'ledger.genesis', keys: [keys.ledger],
    data: {
      catalogue: JSON.parse(catalogue).digest, log_key: logKey.vkey, operator: 'op-ledger', operator_keys: [keys.ledger.vkey, keys.ops.vkey],
      oversight_keys: [keys.chief.vkey], registrar: 'min-justice', registrar_keys: [keys.cabinet.vkey], registrar_role: 'ministry',
    },
  });
  log.seal('2031-01-06T08:00:00Z');
  const enrol = (at, party, name, role, key) =>
    log.append(at, {
      by: party, type: 'key.enrolled', keys: [key, keys.ops], id: `key-${party}-${name}`,
      data: { alg: 'ed25519', holder: name, organisation: party, public_key: key.vkey, role, valid_from: '2031-01-06T08:00:00Z' },
    });
  enrol('2031-01-07T09:00:00Z', 'adm-prisons', 'registry-1', 'administration', keys.registry);
  enrol('2031-01-07T09:01:00Z', 'adm-prisons', 'legal-1', 'administration', keys.legal);
  log.append('2031-01-07T09:10:00Z', {
    by: 'adm-prisons', type: 'facility.registered', keys: [keys.registry, keys.legal],
    data: { age_bands: ['adult'], capacity: 240, facility: 'fac-harvane', holds_sex: ['m'], locode: 'VM-HRV', name: en('Harvane Prison'), opened_on: '1974-05-01' },
  });
  enrol('2031-01-07T09:20:00Z', 'fac-harvane', 'desk-1', 'facility', keys.desk);
  enrol('2031-01-07T09:21:00Z', 'fac-harvane', 'governor-1', 'facility', keys.governor);
  log.append('2031-01-08T10:00:00Z', {
    by: 'min-justice', type: 'organisation.registered', keys: [keys.cabinet],
    data: { founded_by_state: false, founded_on: '2012-03-15', identity_mode: 'named', kind: 'cso', name: en('League for Open Doors'), officials_over_half: false, organisation: 'cso-league', state_funding: 0 },
    hidden: { board_size: 7, board_public_officials: 0 },
  });
  enrol('2031-01-08T10:05:00Z', 'cso-league', 'office-1', 'cso', keys.office);
  log.seal('2031-01-08T23:00:00Z');
  const about = { facility: 'fac-harvane', organisation: 'cso-league' };
  const first = log.append('2031-02-03T09:12:00Z', {
    by: 'cso-league', type: 'access.request.submitted', keys: [keys.office], id: 'request-1',
    data: { ...about, purpose: 'monitoring', languages: ['en', 'fr'] },
    hidden: { private_interviews: true, target: 'all', team: 3, team_f: 2, team_m: 1, team_names: en('A. Example, B. Example, C. Example') },
  });
  log.append('2031-02-05T14:00:00Z', {
    by: 'fac-harvane', type: 'access.request.acknowledged', keys: [keys.desk],
    data: { ...about, decision_due_on: '2031-02-19', received_on: '2031-02-05' }, refs: { request: 'cso-league/request-1' },
  });
  log.append('2031-02-17T11:30:00Z', {
    by: 'fac-harvane', type: 'access.request.approved', keys: [keys.governor], id: 'approval-1',
    data: { ...about, conditions: ['smaller_team'], valid_from: '2031-03-01', valid_to: '2031-03-31', visits_granted: 1 },
    refs: { request: 'cso-league/request-1' }, hidden: { team_cleared: 2, condition_text: en('No more than two visitors at once.') },
  });
  const older = log.seal('2031-02-17T23:00:00Z');
  const visit = log.append('2031-03-04T17:40:00Z', {
    by: 'fac-harvane', type: 'visit.completed', keys: [keys.desk], id: 'visit-1',
    data: { ...about, completion: 'normal', duration: 180, private_interviews_refused: false, staff_present_at_interviews: true, visited_on: '2031-03-04', wait: 10 },
    refs: { approval: 'fac-harvane/approval-1' },
    hidden: { entered_at: '2031-03-04T09:10:00Z', left_at: '2031-03-04T12:10:00Z', team_in: 2, interviews: 4 },
  });
  log.append('2031-03-06T08:30:00Z', disputed ? {
    by: 'cso-league', type: 'visit.disputed', keys: [keys.office],
    data: { ...about, cso_duration: 55, cso_wait: 95, disputed: ['duration', 'wait'] }, refs: { visit: 'fac-harvane/visit-1' },
  } : {
    by: 'cso-league', type: 'access.request.submitted', keys: [keys.office], id: 'request-3',
    data: { ...about, purpose: 'education', languages: ['en'] }, hidden: { private_interviews: false, target: 'all' },
  });
  log.append('2031-03-10T16:00:00Z', {
    by: 'fac-harvane', type: 'record.corrected', keys: [keys.desk, keys.governor],
    data: { field_name: 'wait', new_value_public: en('95'), reason: 'typo' }, refs: { target: log.entries[visit].address },
  });
  log.append('2031-06-03T09:00:00Z', {
    by: 'cso-league', type: 'access.request.submitted', keys: [keys.office], id: 'request-2',
    data: { ...about, purpose: 'legal', languages: ['en'] }, hidden: { private_interviews: true, target: 'juveniles', team: 2 },
  });
  const good = log.seal('2031-06-30T22:00:00Z');
  const erasure = log.append('2031-07-04T10:00:00Z', {
    by: 'op-ledger', type: 'erasure.executed', keys: [keys.ops, keys.chief], data: { fields: ['team_names'] }, refs: { targets: [log.entries[first].address] },
  });
  const later = log.seal('2031-07-04T22:00:00Z');
  return { log, older, good, later, first, visit, erasure };
}
const { log, older, good, later, first, visit, erasure } = history(true);
const other = history(false);

const STREAM = 'organisation/cso-league';
const FOR = 'cso-league';
const written = (lines) => lines.map((line) => `${writeJson(line)}\n`).join('');
const save = (name, text) => writeFileSync(new URL(name, here), text);
const withheld = (index, name) => name === 'board_public_officials';
const changed = (lines, change) => {
  const copy = structuredClone(lines);
  change(copy);
  return copy;
};
const item = (lines, index) => lines.find((line) => line.item?.index === index).item;

const goodPack = log.pack(good, STREAM, FOR, { since: [older], withheld, statement: good });
save('policy', policy);
save('auditor', `${auditor.vkey}\n`);
save('good.pack', written(goodPack));
save('erased.pack', written(log.pack(later, STREAM, FOR, { since: [older, good], withheld, sealed: (index, name) => index === visit && name === 'interviews', erased: (index, name) => (index === first && name === 'team_names' ? erasure : null) })));
save('older.pack', written(log.pack(older, STREAM, FOR, { withheld })));
save('absent.pack', written(log.pack(good, 'organisation/cso-lantern', 'cso-lantern')));
save('visit.tlog-proof', `c2sp.org/tlog-proof@v1\nextra ${base64(log.entries[visit].bytes)}\nindex ${visit}\n${inclusion(visit, log.leaves(good)).map((hash) => `${base64(hash)}\n`).join('')}\n${log.checkpoint(good)}`);
// A record in the middle is left out, and the count made to fit.
save('dropped.pack', written(changed(goodPack, (lines) => {
  lines.splice(lines.findIndex((line) => line.item?.index === visit + 1), 1);
  const map = lines.find((line) => line.map).map;
  map.count -= 1;
})));
// The hidden target of a request is shown as another than was committed.
save('swapped.pack', written(changed(goodPack, (lines) => {
  item(lines, first).slots[0] = disclosure('another', 'target', 'women');
})));
// The operator rewrites a visit and signs nothing anew.
save('rewritten.pack', written(changed(goodPack, (lines) => {
  const visited = item(lines, visit);
  visited.entry = Buffer.from(Buffer.from(visited.entry, 'base64').toString().replace('"wait":10', '"wait":12')).toString('base64');
})));
// The witness never saw this tree; its line is of another.
save('forged-witness.pack', written(log.pack(good, STREAM, FOR, { since: [older], withheld, forged: true })));
// A value is said to be erased by an entry that erases nothing.
save('false-erasure.pack', written(changed(goodPack, (lines) => {
  item(lines, first).slots[5] = { erased_by: visit + 2 };
})));
// The same log, shown to somebody else without the dispute; and both checkpoints as evidence.
save('other-history.pack', written(other.log.pack(other.good, STREAM, FOR, { since: [other.older], withheld })));
const [less, more] = [other.good, later];
save('fork', written([
  { fork: 'oversight-fork/v1' },
  { checkpoint: other.log.checkpoint(less) },
  { checkpoint: log.checkpoint(more) },
  { prefix: { proof: consistency(less, log.leaves(more)).map(base64), root: base64(rootOfLeaves(log.leaves(less))) } },
]));
const refused = `oversight-refusal/v1\n${ORIGIN}\n${hexOf(sha256(utf8('an event that was refused')))}\n2031-03-07T09:00:00Z\n15\nOnly the author of a record may correct it.\n`;
save('refusal', `${refused}\n${logKey.sign(refused)}`);
