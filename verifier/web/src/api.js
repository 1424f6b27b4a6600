// What programs may ask of this page: `window.verifier`. Everything given back is plain JSON.

/** What a file is, by what it contains. */
function kindOf(bytes) {
  if (looksLikeTar(bytes)) return 'bundle';
  const kind = kindOfStart(bytes);
  if (kind !== 'unknown') return kind;
  // Its way may have changed even its first line.
  const undone = bytes.length <= LIMITS.file ? undo(bytes) : null;
  return undone ? kindOfStart(undone.bytes) : kind;
}

function kindOfStart(bytes) {
  const start = new TextDecoder().decode(bytes.subarray(0, 4096));
  if (start.startsWith('{"fork":')) return 'fork';
  if (start.startsWith('{"audience":') || /^\{"[^\n]*"pack":"oversight-pack/.test(start)) return 'pack';
  if (start.startsWith('c2sp.org/tlog-proof')) return 'receipt';
  if (start.startsWith(REFUSAL_MAGIC)) return 'refusal';
  if (start.startsWith(STATEMENT_MAGIC)) return 'statement';
  if (/^[^\n]{1,100}\n[0-9]{1,20}\n[^\n]{40,48}\n/.test(start)) return 'checkpoint';
  if (/^(\s|#[^\n]*\n)*(log|witness|group|quorum)[ \t]/.test(start)) return 'policy';
  if (/^[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+\s*$/.test(start)) return 'vkey';
  return 'unknown';
}

const CHECKS = {
  pack: checkPack,
  receipt: checkReceipt,
  refusal: checkRefusal,
  checkpoint: checkCheckpoint,
  statement: checkStatementFile,
  fork: checkFork,
  policy: checkPolicyFile,
  bundle: checkBundle,
};

/** A check that no rule foresaw the end of: nothing can be told, but for what was found before. */
function ended(error, kind) {
  const report = Report.last?.kind === kind ? Report.last : new Report(kind);
  report.cannotTell('internal', { what: String(error?.message ?? error) });
  report.internal = error;
  return report;
}

/** Checks bytes of a known kind; what no rule foresaw ends as "cannot tell", never as an exception. */
async function checkKind(kind, bytes, trust, options = {}) {
  const most = kind === 'bundle' ? LIMITS.bundle : LIMITS.file;
  const report = new Report(kind);
  if (bytes.length > most) {
    report.cannotTell('too-large', { got: bytes.length >> 20, most: most >> 20 });
    return report;
  }
  if (!Object.hasOwn(CHECKS, kind)) {
    report.cannotTell('kind-unknown');
    return report;
  }
  try {
    return await CHECKS[kind](bytes, trust, options);
  } catch (error) {
    return ended(error, kind);
  }
}

/** The same as the page shows it: what the way of a file explains is no fault. */
async function judgeKind(kind, given, trust, options = {}) {
  if (kind === 'unknown') {
    const report = await checkKind(kind, given, trust, options);
    const instead = insteadOf(given);
    if (instead) report.unknown = [{ code: `instead-${instead}`, values: {} }];
    return report;
  }
  try {
    if (kind === 'bundle' && (given instanceof Map || given.length <= LIMITS.bundle)) return await judgeBundle(given, trust, options);
    return await judgeText(kind, given, (bytes) => checkKind(kind, bytes, trust, options));
  } catch (error) {
    return ended(error, kind);
  }
}

/** A report as plain JSON, without what only this page uses. */
function plainReport(report) {
  const { head, registry, beside, policy, ...rest } = report.json();
  return JSON.parse(JSON.stringify(rest, (_, value) => (typeof value === 'bigint' ? String(value) : value)));
}

/** Trust of a policy's text, or of nobody. */
function trustOf(policyText, auditors = []) {
  const keys = auditors.map(readVkey);
  return policyText ? trustPolicy(readPolicy(utf8(policyText)), keys) : { ...nobody(), auditors: keys };
}

const bytesOf = (given) => (typeof given === 'string' ? utf8(given) : given);

const api = {
  /** Checks one file of any kind (bytes or text) under a policy's text, null for none. */
  async check(given, policyText = null, { kind, auditors = [] } = {}) {
    const bytes = bytesOf(given);
    return plainReport(await checkKind(kind ?? kindOf(bytes), bytes, trustOf(policyText, auditors)));
  },

  /**
   * Judges a file as the page shows it: what its way explains, a copy that broke off or an editor that saved it, is no
   * fault. Given is a file (bytes or text), or a folder: its files by path.
   */
  async judge(given, policyText = null, { kind, auditors = [] } = {}) {
    const trust = trustOf(policyText, auditors);
    if (typeof given === 'object' && !(given instanceof Uint8Array)) {
      const files = new Map(Object.entries(given).map(([path, file]) => [path, bytesOf(file)]));
      return plainReport(await judgeKind('bundle', files, trust));
    }
    const bytes = bytesOf(given);
    return plainReport(await judgeKind(kind ?? kindOf(bytes), bytes, trust));
  },

  /** Checks many packs under one policy; a line each: verdict, section of the first fault, entry, code. */
  async checkPacks(packs, policyText = null) {
    const trust = trustOf(policyText);
    const lines = [];
    for (const given of packs) {
      const report = plainReport(await checkKind('pack', bytesOf(given), trust));
      lines.push({ verdict: report.verdict, section: report.section, item: report.item, code: report.code });
    }
    return lines;
  },

  /** Whether a newer pack extends an older pack or checkpoint. */
  async since(newer, older, policyText = null) {
    const trust = trustOf(policyText);
    const report = await checkKind('pack', bytesOf(newer), trust);
    const old = bytesOf(older);
    const oldReport = await checkKind(kindOf(old), old, trust);
    if (report.head && oldReport.head) {
      await checkSince(report, report.head, oldReport.head, readPack(bytesOf(newer)).since);
      if (oldReport.kind === 'pack') setAgainst([report, bytesOf(newer)], [oldReport, old]);
    }
    else report.cannotTell('since-unreadable');
    return plainReport(report);
  },

  /** A text as the page shows it inside a line. */
  visible: (text) => visible(String(text)),
  /** Runs a case of schemas/vectors (the whole file): null if this page agrees, else what it says. */
  vector: (kind, given) => runVector(kind, bytesOf(given)),

  kindOf: (given) => kindOf(bytesOf(given)),
};
