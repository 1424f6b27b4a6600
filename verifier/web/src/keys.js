// Trust, checkpoints under it, and the signature lines of entries. FORMAT.md 3.4, 10, 12.

/** What a reader said about whom they trust; nothing yet. */
const nobody = () => ({ how: 'none', policy: null, logs: [], auditors: [] });

/** Trust in a policy that the reader holds from elsewhere. */
const trustPolicy = (policy, auditors = []) => ({ how: 'policy', policy, logs: policy.logs, auditors });

/** Trust in one key of a log: typed in, or compared by its words. */
const trustKey = (vkey, how, auditors = []) => ({ how, policy: null, logs: [vkey], auditors });

const describedKey = (vkey) => ({ vkey: vkey.text, name: vkey.name, ...fingerprintOfText(vkey.text) });

const describedCheckpoint = (head) => ({
  origin: head.origin,
  size: String(head.size),
  root: base64(head.root),
  text: head.note.text,
  ...fingerprintOfText(head.note.text),
});

/**
 * A checkpoint under what the reader trusts, or else, saying so, under the file's own policy: the log's signature and
 * the quorum, unless witnesses do not matter. Gives the log's key, null where there is none.
 */
async function checkHead(report, head, trust, ownPolicy, { witnessed = true } = {}) {
  report.checkpoint = describedCheckpoint(head);
  const own = (ownPolicy?.logs ?? []).filter((vkey) => vkey.name === head.origin);
  const trusted = trust.logs.filter((vkey) => vkey.name === head.origin);
  report.trust = { how: trust.how, quorum: null, witnesses: [], own: own.map(describedKey) };
  if (trust.how === 'none') report.cannotTell('no-trust');
  else if (!trusted.length) report.cannotTell('other-log', { origin: head.origin });
  const candidates = trusted.length ? trusted : own;
  if (!candidates.length) {
    report.leftOut('10.1', 'checkpoint', 'no-key');
    return null;
  }
  // In the policy's order: what a key that cannot be taken would have said, nobody can tell.
  const first = candidates.find((candidate) => !keyOf(candidate) || signedStrictly(head.note, candidate));
  if (first && !keyOf(first)) {
    report.cannotTell('key-unusable', { key: first.name });
    report.leftOut('10.1', 'checkpoint', 'no-key');
    return null;
  }
  const vkey = await report.step('10.1', 'checkpoint', (step) => {
    step.of = 1;
    if (!first) refuse('checkpoint-signature', { key: candidates[0].name });
    step.done = 1;
    return first;
  });
  if (vkey) report.anchor = describedKey(vkey);
  if (!witnessed) {
    report.leftOut('12', 'quorum', 'quorum-fork');
    return vkey;
  }
  const policy = trusted.length ? trust.policy : ownPolicy;
  await checkQuorum(report, head, policy, trusted.length > 0 && trust.policy !== null);
  return vkey;
}

/** Who cosigned, and whether that is enough. Only a policy that the reader holds can demand it. */
async function checkQuorum(report, head, policy, demanded) {
  if (!policy) {
    report.leftOut('12', 'quorum', 'quorum-unknown');
    return;
  }
  const strange = demanded && [...policy.witnesses.values()].find((vkey) => !keyOf(vkey));
  if (strange) {
    report.cannotTell('key-unusable', { key: strange.name });
    report.leftOut('12', 'quorum', 'quorum-unknown');
    return;
  }
  const seen = [...policy.witnesses].map(([name, vkey]) => ({ name, vkey, time: cosignedAt(head.note, vkey) }));
  const holding = seen.filter((witness) => witness.time !== null);
  Object.assign(report.trust, {
    quorum: policy.quorum,
    demanded,
    witnesses: seen.map(({ name, vkey, time }) => ({
      name,
      claimed: linesOf(head.note, vkey).length > 0,
      time: time === null ? null : instantOf(time),
    })),
  });
  if (policy.quorum === 'none') {
    report.leftOut('12', 'quorum', 'quorum-none');
    return;
  }
  if (!demanded) {
    report.leftOut('12', 'quorum', 'quorum-not-yours', { count: holding.length });
    return;
  }
  const forged = seen.filter((w) => w.time === null && linesOf(head.note, w.vkey).length).map((w) => w.name);
  const names = { seen: holding.map((w) => w.name).join(', ') || '–', forged: forged.join(', ') };
  const reached = quorumReached(policy, holding.map((w) => w.name));
  if (!reached && !forged.length) {
    // That witnesses have not seen it, or that their lines were lost, is no lie of the log's.
    report.cannotTell('quorum', names);
    report.leftOut('12', 'quorum', 'quorum', names);
    return;
  }
  await report.step('12', 'quorum', (step) => {
    step.done = holding.length;
    step.of = policy.witnesses.size;
    if (!reached) refuse('quorum-forged', names);
  });
}

/** A witness of the reader's policy that cosigned with a key of the log itself has witnessed nothing. */
function checkOwnWitnesses(report, trust, registry) {
  const counted = new Set((report.trust?.witnesses ?? []).filter(({ time }) => time !== null).map(({ name }) => name));
  const own = [...(trust.policy?.witnesses ?? [])].filter(([name, vkey]) => counted.has(name) && registry.isOfTheLog(vkey));
  if (own.length) report.cannotTell('witness-of-the-log', { seen: own.map(([name]) => name).join(', ') });
}

/** An instant of Unix seconds, or the number where there is none. */
function instantOf(seconds) {
  const date = new Date(Number(seconds) * 1000);
  return Number.isNaN(date.getTime()) || date.getUTCFullYear() > 9999 ? String(seconds) : `${date.toISOString().slice(0, 19)}Z`;
}

/**
 * Checks an entry against those before it, in the order of FORMAT.md 11: type and fields; each line by a key that an entry
 * before it or it itself brings and that is in force (what an enrolment brings may sign it earlier); that the signatures
 * hold; the first line by one of the author, and the rest of admission. With `log` the whole log is at hand.
 */
async function checkLines(entry, registry, { log = null } = {}) {
  const received = secondsOf(entry.receivedAt);
  let unknown = null;
  let type = null;
  try {
    type = checkTypeAndFields(entry, registry, log);
  } catch (error) {
    // Whoever signed it did, whatever it says.
    if (log || error.code !== 'type-unknown') throw error;
    unknown = error;
  }
  const found = entry.note.signatures.map((line) => {
    const known = registry.of(line);
    const key = known ?? bringsItself(entry, line);
    if (!key) refuse(log ? 'key-unknown' : 'key-not-brought', { key: line.name });
    if (known && !Registry.inForce(key, received)) refuse('key-not-in-force', { key: line.name });
    return { line, key };
  });
  // What the entries before say is asked at once; it is told only if the signatures hold.
  let refused = unknown;
  if (!unknown) try {
    const [author] = found;
    if (author.key.party !== entry.event.by) refuse('key-of-another', { key: author.line.name, by: entry.event.by });
    admitted(entry, type, registry, log);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    refused = error;
  }
  for (const { line, key } of found) {
    const taken = keyOf(key.vkey);
    if (!taken || !(await signatureHolds(taken, entry.note.bytes, line.signature))) refuse('signature', { key: line.name });
  }
  if (refused) throw refused;
}

/** The key of a line where its own entry brings it, as genesis and enrolments do; the log admits no rotation so. */
const bringsItself = (entry, line) =>
  entry.event.type === 'key.rotated'
    ? undefined
    : keysOf(entry, entry.event.ledger).find(({ vkey }) => lineKey(vkey) === lineKey(line));
