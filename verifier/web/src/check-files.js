// Whether a receipt, a refusal, a checkpoint, evidence of a fork, or a policy holds; and two sizes of one log.
// FORMAT.md 10, 12, 14.

/** The form of a file as a step. */
const checkForm = (report, section, bytes, read) =>
  report.step(section, 'form', (step) => {
    const found = read(bytes);
    step.done = step.of = 1;
    return found;
  });

async function checkReceipt(bytes, trust = nobody(), { onProgress } = {}) {
  const report = new Report('receipt', onProgress);
  const receipt = await checkForm(report, '14.1', bytes, readReceipt);
  if (!receipt) return report;
  const { checkpoint, index, proof } = receipt;
  report.head = checkpoint;
  report.receipt = { index: String(index), shown: receipt.entry !== null };
  await checkHead(report, checkpoint, trust, null);
  if (!receipt.entry) {
    report.cannotTell('receipt-bare');
    report.leftOut('7', 'proofs', 'receipt-bare');
    return report;
  }
  const at = { entry: Number(index) };
  const leaf = tagged(0, receipt.entry);
  await report.step('7', 'proofs', (step) => {
    step.of = 1;
    report.tried(step, at, () => {
      try {
        checkInclusion(index, checkpoint.size, leaf, checkpoint.root, proof);
      } catch {
        refuse('not-in-tree');
      }
    });
  });
  const entry = await report.step('6', 'entries', (step) => {
    step.of = 1;
    return report.tried(step, at, () => {
      const read = readEntry(receipt.entry);
      Object.assign(at, nameOf(read));
      if (read.position !== index) refuse('position', { got: String(read.position) });
      if (read.event.ledger !== checkpoint.origin) refuse('other-ledger', { got: read.event.ledger, want: checkpoint.origin });
      return read;
    });
  });
  if (!entry) return report;
  for (const fault of report.faults) nameFault(fault, [{ ...entry, index: Number(index) }]);
  report.receipt.leaf = fingerprint(leaf);
  report.records = [recordOf({ ...entry, isItem: true }, [])];
  report.notChecked.push({ code: 'receipt-signatures' }, { code: 'truth' }, { code: 'others' });
  return report;
}

async function checkRefusal(bytes, trust = nobody(), { onProgress } = {}) {
  const report = new Report('refusal', onProgress);
  const refusal = await checkForm(report, '14.1', bytes, readRefusal);
  if (!refusal) return report;
  report.refusal = { origin: refusal.origin, event: refusal.event, at: refusal.at, number: refusal.number, words: refusal.words };
  const keys = trust.logs.filter((vkey) => vkey.name === refusal.origin);
  report.trust = { how: trust.how, quorum: null, witnesses: [], own: [] };
  if (trust.how === 'none') report.cannotTell('no-trust');
  else if (!keys.length) report.cannotTell('other-log', { origin: refusal.origin });
  if (!keys.length) {
    report.leftOut('3.4', 'signatures', 'no-key');
    return report;
  }
  await report.step('3.4', 'signatures', (step) => {
    step.of = 1;
    const vkey = keys.find((one) => signedStrictly(refusal.note, one));
    if (!vkey) refuse('signature', { key: keys[0].name });
    report.anchor = describedKey(vkey);
    step.done = 1;
  });
  report.notChecked.push({ code: 'refusal-right' }, { code: 'truth' });
  return report;
}

/** An auditor's statement that the index was recomputed; whose it is the reader must say. */
async function checkStatementFile(bytes, trust = nobody(), { onProgress } = {}) {
  const report = new Report('statement', onProgress);
  const statement = await checkForm(report, '10.4', bytes, readStatement);
  if (!statement) return report;
  report.checkpoint = null;
  report.statement = { origin: statement.origin, size: String(statement.size), said: statement.note.signatures.map((line) => line.name) };
  const named = trust.auditors.filter((vkey) => linesOf(statement.note, vkey).length);
  if (!named.length) {
    report.cannotTell('auditor-unknown', { said: report.statement.said.join(', ') });
    return report;
  }
  await report.step('10.4', 'statements', (step) => {
    step.of = 1;
    const by = named.find((vkey) => vkey.type === 1 && signedStrictly(statement.note, vkey));
    if (!by) refuse('statement-signature', { key: named[0].name });
    report.anchor = describedKey(by);
    step.done = 1;
  });
  report.notChecked.push({ code: 'statement-only' });
  return report;
}

async function checkCheckpoint(bytes, trust = nobody(), { onProgress } = {}) {
  const report = new Report('checkpoint', onProgress);
  const head = await checkForm(report, '10.1', bytes, readCheckpoint);
  if (!head) return report;
  report.head = head;
  await checkHead(report, head, trust, null);
  report.notChecked.push({ code: 'checkpoint-only' }, { code: 'others' });
  return report;
}

/** Evidence of a fork: it holds if the log signed two trees of which neither is the beginning of the other. */
async function checkFork(bytes, trust = nobody(), { onProgress } = {}) {
  const report = new Report('fork', onProgress);
  const fork = await checkForm(report, '14.3', bytes, readFork);
  if (!fork) return report;
  const [older, newer] = fork.checkpoints;
  report.head = newer;
  // What the log's own key signed convicts it, whoever else has seen it.
  await checkHead(report, newer, trust, null, { witnessed: false });
  report.fork = { sizes: [older, newer].map((head) => String(head.size)), checkpoints: [older, newer].map(describedCheckpoint) };
  await report.step('14.3', 'fork', (step) => {
    step.of = 2;
    if (older.origin !== newer.origin) refuse('other-ledger', { got: older.origin, want: newer.origin });
    if (older.size > newer.size) refuse('fork-order');
    const candidates = trust.logs.filter((vkey) => vkey.name === older.origin);
    if (candidates.length && !candidates.some((vkey) => signedStrictly(older.note, vkey))) {
      refuse('checkpoint-signature', { key: candidates[0].name });
    }
    step.done = 1;
    if ((older.size === newer.size) !== (fork.prefix === null)) refuse('fork-prefix');
    const root = fork.prefix?.root ?? newer.root;
    if (fork.prefix) {
      try {
        checkConsistency(older.size, root, newer.size, newer.root, fork.prefix.proof);
      } catch {
        refuse('fork-prefix');
      }
    }
    if (sameBytes(root, older.root)) refuse('no-fork');
    step.done = 2;
  });
  return report;
}

async function checkPolicyFile(bytes, _trust, { onProgress } = {}) {
  const report = new Report('policy', onProgress);
  const policy = await checkForm(report, '12', bytes, readPolicy);
  if (!policy) return report;
  report.policy = policy;
  report.keys = policy.logs.map(describedKey);
  report.cannotTell('policy-itself');
  return report;
}

/**
 * Whether the newer of two files extends the older: the same checkpoint, or a proof from its size. `newer` is a
 * report whose file brought proofs; `older` a checkpoint.
 */
async function checkSince(report, newer, older, proofs) {
  await report.step('14.2', 'since', (step) => {
    step.of = 1;
    // No lie: two files of two logs, or one in the place of the other.
    const swapped = older.size > newer.size;
    if (older.origin !== newer.origin || swapped) {
      if (swapped) report.cannotTell('since-newer', { older: String(newer.size), newer: String(older.size) });
      else report.cannotTell('other-ledger', { got: older.origin, want: newer.origin });
      step.outcome = 'not_checked';
      return;
    }
    if (older.size === newer.size) {
      if (!sameBytes(older.root, newer.root)) refuse('fork', { size: String(older.size) });
    } else {
      const since = proofs.find((proof) => BigInt(proof.size) === older.size);
      if (!since) {
        report.cannotTell('since-missing', { size: String(older.size) });
        step.outcome = 'not_checked';
        return;
      }
      try {
        checkConsistency(older.size, older.root, newer.size, newer.root, since.proof);
      } catch {
        refuse('fork', { size: String(older.size) });
      }
    }
    step.done = 1;
    report.extends = String(older.size);
  });
}

/** The root that a file proves for a smaller size of its log; null where it proves none. */
function rootAt(report, bytes, older) {
  if (report.head.size === older.size) return report.head.root;
  const size = Number(older.size);
  if (report.beside?.roots.has(size)) return report.beside.roots.get(size);
  if (report.kind !== 'pack' || report.faults.some(({ code }) => code !== 'fork')) return null;
  const since = readPack(bytes).since.find((one) => BigInt(one.size) === older.size);
  if (!since) return null;
  try {
    checkConsistency(older.size, older.root, report.head.size, report.head.root, since.proof);
    return older.root;
  } catch {
    return new Uint8Array(32); // none that goes on from it
  }
}

/**
 * Two files of one log, each with its bytes, that one key signed: of one history, and two packs of one stream show the same,
 * or both are at fault, for one of them lies. FORMAT.md 14.2, 14.3.
 */
function setAgainst(one, other) {
  const [[newer, bytes], [older, olderBytes]] = one[0].head.size >= other[0].head.size ? [one, other] : [other, one];
  if (newer.head.origin !== older.head.origin || !newer.anchor || newer.anchor.vkey !== older.anchor?.vkey) return;
  const blame = (code, values) => {
    for (const report of [newer, older]) {
      if (!report.faults.some((fault) => fault.code === code)) report.fault({ section: '14.2', name: 'since' }, new Refused(code, values));
    }
  };
  const root = rootAt(newer, bytes, older.head);
  if (root && !sameBytes(root, older.head.root)) blame('fork', { size: String(older.head.size) });
  const packs = newer.kind === 'pack' && older.kind === 'pack' && !newer.faultCount && !older.faultCount;
  if (!packs || newer.pack.stream !== older.pack.stream) return;
  const places = (given) => readPack(given).items.map(({ index, entry }) => ({ index, leaf: hexOf(tagged(0, entry)) }));
  const [known, all] = [places(olderBytes), places(bytes)];
  const odd = known.find(({ index, leaf }, i) => all[i]?.index !== index || all[i].leaf !== leaf) ?? all.slice(known.length).find(({ index }) => BigInt(index) + 1n < older.head.size);
  if (odd) blame('dropped', { entry: odd.index, stream: newer.pack.stream });
}
