// Whom a reader trusts. FORMAT.md 12.

const POLICY_MAX = 64;

/** Reads a policy, line by line; the only text here with more than one spelling. */
function readPolicy(bytes) {
  if (bytes.length > LIMITS.policy) refuse('too-long');
  const text = textOf(bytes);
  const policy = { text, logs: [], witnesses: new Map(), groups: new Map(), quorum: undefined };
  const lines = text.split('\n');
  if (lines.at(-1) !== '') refuse('end', { line: lines.length });
  lines.pop();
  lines.forEach((line, i) => readPolicyLine(policy, line, i + 1));
  if (policy.quorum === undefined) refuse('quorum');
  if (policy.quorum !== 'none' && !policy.witnesses.has(policy.quorum) && !policy.groups.has(policy.quorum)) refuse('quorum');
  return policy;
}

function policyKey(text, type, line) {
  let vkey;
  try {
    vkey = readVkey(text);
  } catch (error) {
    refuse(error.code, { line });
  }
  if (vkey.type !== type) refuse('key-type', { line });
  return vkey;
}

function newName(policy, name, line) {
  if (name === 'none') refuse('name', { line });
  if (policy.witnesses.has(name) || policy.groups.has(name)) refuse('twice', { line });
}

function readPolicyLine(policy, text, line) {
  if (/[^\t\P{Cc}]/u.test(text)) refuse('control', { line });
  const words = text.split(/[ \t]+/).filter((word) => word !== '');
  if (!words.length || words[0].startsWith('#')) return;
  const [what, ...rest] = words;
  if (what === 'log') {
    if (rest.length < 1 || rest.length > 2) refuse('line', { line });
    const vkey = policyKey(rest[0], 1, line);
    if (!isOrigin(vkey.name)) refuse('line', { line });
    if (policy.logs.some((log) => sameBytes(log.bytes, vkey.bytes))) refuse('twice', { line });
    if (policy.logs.push(vkey) > POLICY_MAX) refuse('too-many', { line });
  } else if (what === 'witness') {
    if (rest.length < 2 || rest.length > 3) refuse('line', { line });
    newName(policy, rest[0], line);
    const vkey = policyKey(rest[1], 4, line);
    if ([...policy.witnesses.values()].some((other) => sameBytes(other.bytes, vkey.bytes))) refuse('twice', { line });
    policy.witnesses.set(rest[0], vkey);
    if (policy.witnesses.size > POLICY_MAX) refuse('too-many', { line });
  } else if (what === 'group') {
    if (rest.length < 3) refuse('line', { line });
    const [name, wanted, ...members] = rest;
    newName(policy, name, line);
    for (const member of members) if (!policy.witnesses.has(member) && !policy.groups.has(member)) refuse('name', { line });
    const used = [...policy.groups.values()].flatMap((group) => group.members);
    if (new Set(members).size !== members.length || members.some((m) => used.includes(m))) refuse('twice', { line });
    const number = wanted === 'all' ? BigInt(members.length) : wanted === 'any' ? 1n : decimal(wanted);
    if (number === null || number < 1n || number > BigInt(members.length)) refuse('threshold', { line });
    policy.groups.set(name, { wanted: Number(number), members });
    if (policy.groups.size > POLICY_MAX) refuse('too-many', { line });
  } else if (what === 'quorum') {
    if (rest.length !== 1) refuse('line', { line });
    if (policy.quorum !== undefined) refuse('twice', { line });
    if (rest[0] !== 'none' && !policy.witnesses.has(rest[0]) && !policy.groups.has(rest[0])) refuse('name', { line });
    policy.quorum = rest[0];
  } else {
    refuse('line', { line });
  }
}

/** Whether these witnesses are enough. */
function quorumReached(policy, names, wanted = policy.quorum) {
  if (wanted === 'none') return true;
  const group = policy.groups.get(wanted);
  if (!group) return names.includes(wanted);
  return group.members.filter((member) => quorumReached(policy, names, member)).length >= group.wanted;
}
