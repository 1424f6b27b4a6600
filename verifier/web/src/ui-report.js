// A report: the verdict, what does not hold, what was checked, what was not.

const OUTCOME_SHAPE = { holds: 'verified', fault: 'not_verified', not_checked: 'cannot_tell' };

/** Whether the whole log was checked beside a pack, up to its size. */
const hasWhole = ({ complete }) => complete?.by === 'you' && complete.whole;

/** Whether more rests on somebody's word than on what was checked: the verdict's word says on whose. */
const restsOnWord = (report) =>
  ['verified', 'partly'].includes(report.verdict) && (['receipt', 'refusal', 'checkpoint', 'statement'].includes(report.kind) || (report.kind === 'pack' && !hasWhole(report)));

/** Whether a bundle can say something about a pack beside it: nothing stands against it but that nobody said whom to trust. */
const holdsByItself = ({ verdict, unknown }) => verdict === 'verified' || verdict === 'partly' || (verdict === 'cannot_tell' && unknown.every(({ code: name }) => name === 'no-trust'));

/** The verdict in words: what was proven, and what rests on the operator. FORMAT.md 14.4. */
function wordOf(report) {
  const { verdict, kind, pack, complete } = report;
  if (verdict === 'verified' && hasWords(`word-${kind}`)) return say(`word-${kind}`);
  if (kind !== 'pack' || !complete || !['verified', 'partly'].includes(verdict)) return say(`verdict-${verdict}`);
  if (hasWhole(report)) return say(pack.absent ? 'word-absent-you' : `verdict-${verdict}`);
  const by = complete.by === 'auditor' && complete.whole ? 'auditor' : 'nobody';
  const what = pack.absent ? 'absent' : verdict === 'partly' ? 'partly' : 'records';
  return say(`word-${what}-${by}`, { auditor: complete.auditor });
}

/** The sentence under the verdict. */
function verdictSentence(report) {
  if (report.verdict === 'proven') return tell('verified-fork');
  if (report.verdict === 'not_proven') return tell('not-verified-fork');
  if (report.verdict === 'verified' && ['statement', 'refusal'].includes(report.kind)) return tell(`verified-${report.kind}`);
  if (report.verdict === 'verified') return tell(report.trust?.quorum === 'none' || report.trust?.quorum === null ? 'verified-none' : 'verified-sentence');
  if (report.verdict === 'partly') return tell('partly-sentence', { count: report.erased });
  if (report.verdict === 'not_verified') return tell('not-verified-sentence');
  if (report.unknown.length === 1 && report.unknown[0].code === 'no-trust') return tell('cannot-tell-trust');
  return tell('cannot-tell-sentence');
}

function verdictBox(file, report) {
  const id = `verdict-${file.number}`;
  const named = report.faults.find((fault) => fault.entry !== undefined);
  return el(
    'section',
    { class: `verdict ${report.verdict}${restsOnWord(report) ? ' qualified' : ''}`, 'aria-labelledby': id },
    shape(restsOnWord(report) ? 'partly' : report.verdict),
    el(
      'div',
      {},
      el('p', { class: 'file' }, tell('file-is', { kind: el('span', {}, say(`kind-${report.kind}`)), name: code(file.name) })),
      el('h2', { id, tabindex: '-1', class: 'word' }, wordOf(report)),
      el('p', {}, verdictSentence(report)),
      named && el('p', { class: 'named' }, namedRecord(named)),
      file.sample && el('p', { class: 'sample-note' }, say('sample-note')),
    ),
  );
}

function namedRecord(fault) {
  if (!fault.type) return tell('first-broken-entry', { entry: fault.entry });
  return tell('first-broken', { entry: fault.entry, date: when(fault.at), type: typeName(fault.type) });
}

/** A type in words, where the catalogue knows it. */
function typeName(name) {
  const type = typeOf(name);
  return type ? el('bdi', { lang: 'en', dir: 'ltr' }, type.summary.replace(/\.$/, '')) : code(name);
}

function faultList(report) {
  if (!report.faults.length) return null;
  const shown = report.faults.slice(0, 12);
  return el(
    'section',
    { class: 'faults' },
    el('h3', {}, say('faults-title')),
    el(
      'ul',
      {},
      shown.map((fault) =>
        el(
          'li',
          {},
          el('p', {}, reason(fault)),
          el(
            'p',
            { class: 'where' },
            el('bdi', { dir: 'ltr' }, tell('where-section', { section: code(fault.section) })),
            fault.entry !== undefined && [' · ', fault.type ? tell('where-record', { entry: fault.entry, date: when(fault.at), type: typeName(fault.type) }) : tell('entry-number', { entry: fault.entry })],
            fault.line !== undefined && [' · ', tell('where-line', { line: fault.line })],
          ),
        ),
      ),
    ),
    report.faultCount > shown.length && el('p', {}, tell('faults-more', { count: report.faultCount - shown.length })),
  );
}

const listed = (numbers) => {
  const most = 200;
  const text = numbers.slice(0, most).join(', ');
  return el('bdi', { dir: 'ltr' }, numbers.length > most ? `${text}, … (+${numbers.length - most})` : text);
};

/** How many records, which of them not in full, and on whose word that is all. */
function completenessOf(report) {
  const { complete, pack } = report;
  if (!complete || report.verdict === 'not_verified') return null;
  const stream = code(pack.stream);
  const by =
    complete.by === 'you' ? 'complete-you' : complete.by === 'auditor' ? (complete.whole ? 'complete-auditor' : 'complete-auditor-part') : 'complete-nobody';
  const shared = { size: Number(complete.size), date: complete.asOf ? when(complete.asOf) : '–', stream };
  const lines = pack.absent
    ? [tell('absent', shared)]
    : [
        tell('complete-count', { count: complete.count, ...shared }),
        tell('complete-shown', { count: complete.shown }),
        complete.partly.length && tell('complete-partly', { count: complete.partly.length, list: listed(complete.partly) }),
        complete.withheld.length && tell('complete-withheld', { count: complete.withheld.length, list: listed(complete.withheld) }),
        ...complete.erased.slice(0, 40).map(({ index, by: entry }) => tell('complete-erased', { index, entry })),
        complete.erased.length > 40 && tell('complete-erased-more', { count: complete.erased.length - 40 }),
        complete.sealed > 0 && tell('complete-sealed', { count: complete.sealed }),
      ];
  return el(
    'section',
    { class: 'complete' },
    el('h3', {}, say(pack.absent ? 'absent-title' : 'complete-title')),
    el('ul', {}, lines.filter(Boolean).map((line) => el('li', {}, line))),
    el('p', { class: 'quiet' }, tell('complete-for', { audience: code(pack.audience) })),
    el('p', { class: 'whose' }, tell(by, { auditor: code(complete.auditor ?? ''), upTo: Number(complete.upTo), entry: Math.max(0, Number(complete.upTo) - 1) })),
    report.statements.filter((s) => s.by === null).map((s) => el('p', { class: 'quiet' }, tell('statement-unknown', { said: code(s.said.join(', ')), size: Number(s.size) }))),
  );
}

/** What a reader compares with paper, and the act of saying that it is the same. */
function anchorOf(report, { compared, onCompared, id }) {
  const keys = report.anchor ? [report.anchor] : [];
  if (!keys.length && !report.checkpoint) return null;
  const asks = report.anchor && (report.trust?.how === 'none' || compared);
  return el(
    'section',
    { class: 'anchor' },
    el('h3', {}, say('anchor-title')),
    keys.map((key) => [
      el('p', {}, tell(asks && !compared ? 'anchor-ask' : 'anchor-is', { name: code(key.name) })),
      fingerprintOf(key),
      el('p', { class: 'vkey' }, code(key.vkey, 'long')),
    ]),
    asks &&
      el(
        'p',
        { class: 'same' },
        el('input', { type: 'checkbox', id, checked: compared, onchange: (event) => onCompared(event.target.checked) }),
        el('label', { for: id }, say('anchor-same')),
      ),
    !keys.length && el('p', {}, say('anchor-none')),
    trustLine(report),
    report.checkpoint &&
      el(
        'details',
        {},
        el('summary', {}, say('checkpoint-words')),
        el('p', {}, tell('checkpoint-is', { size: Number(report.checkpoint.size), origin: code(report.checkpoint.origin) })),
        fingerprintOf(report.checkpoint),
        el('p', { class: 'vkey' }, code(report.checkpoint.root, 'long')),
      ),
    report.receipt?.leaf && [el('p', {}, say('entry-words')), fingerprintOf(report.receipt.leaf)],
  );
}

/** Who else has seen this checkpoint. */
function trustLine({ trust }) {
  if (!trust || trust.quorum === null || trust.quorum === undefined) return null;
  if (trust.quorum === 'none') return el('p', { class: 'quorum' }, say(trust.demanded ? 'quorum-none' : 'quorum-none-own'));
  const holding = trust.witnesses.filter((w) => w.time !== null);
  return [
    el('p', { class: 'quorum' }, tell(trust.demanded ? 'quorum-yours' : 'quorum-own', { count: holding.length, quorum: code(trust.quorum) })),
    el(
      'ul',
      {},
      trust.witnesses.map((w) =>
        el('li', {}, tell(w.time ? 'witness-seen' : w.claimed ? 'witness-false' : 'witness-not', { name: code(w.name), time: w.time ? when(w.time) : '' })),
      ),
    ),
  ];
}

function stepTable(report) {
  return el(
    'section',
    { class: 'steps' },
    el('h3', {}, say('steps-title')),
    el(
      'div',
      { class: 'wide', tabindex: '0', role: 'group', 'aria-label': say('steps-title') },
      el(
        'table',
        {},
        el('caption', {}, say('steps-caption')),
        el('thead', {}, el('tr', {}, ['steps-section', 'steps-what', 'steps-outcome', 'steps-count'].map((name) => el('th', { scope: 'col' }, say(name))))),
        el('tbody', {}, report.steps.map(stepRow)),
      ),
    ),
  );
}

function stepRow(step) {
  const counted = step.outcome === 'not_checked' ? (step.code ? reason(step) : '–') : step.of > 1 || step.done > 1 ? tell('of', { done: step.done, of: Math.max(step.of, step.done) }) : '';
  return el(
    'tr',
    { class: step.outcome },
    el('td', { class: 'section' }, code(step.section)),
    el('th', { scope: 'row' }, say(`step-${step.name}`)),
    el('td', { class: 'outcome' }, shape(OUTCOME_SHAPE[step.outcome]), ' ', say(`outcome-${step.outcome}`)),
    el('td', { class: 'count' }, counted),
  );
}

function notCheckedOf(report) {
  if (!report.notChecked.length) return null;
  return el(
    'section',
    { class: 'not-checked' },
    el('h3', {}, say('not-checked-title')),
    el('ul', {}, report.notChecked.map(({ code: name, values = {} }) => el('li', {}, tell(`not-${name}`, values.spans ? { ...values, spans: listed(values.spans) } : inWords(values))))),
  );
}

/** What does not fit in a file, as its way explains; and what systems left behind, which changes nothing. */
function asideOf(report) {
  const { mishaps = [], strays = [] } = report;
  if (!mishaps.length && !strays.length) return null;
  const named = (all) => all.slice(0, 12);
  return el(
    'section',
    { class: 'aside' },
    mishaps.length > 0 && [el('h3', {}, say('mishaps-title')), el('ul', {}, named(mishaps).map((fault) => el('li', {}, reason(fault)))), mishaps.length > 12 && el('p', {}, tell('faults-more', { count: mishaps.length - 12 }))],
    strays.length > 0 && [el('h3', {}, say('strays-title')), el('p', {}, tell('strays', { count: strays.length, list: el('bdi', { dir: 'ltr' }, named(strays).join(', ') + (strays.length > 12 ? ', …' : '')) }))],
  );
}

function unknownOf(report) {
  const others = report.unknown.filter(({ code: name }) => name !== 'no-trust');
  if (!others.length) return null;
  return el('section', { class: 'unknown' }, el('h3', {}, say('unknown-title')), el('ul', {}, others.map((why) => el('li', {}, reason(why)))));
}

/** What was signed while a key may have been in other hands: it is named, and is no fault. */
function doubtsOf({ doubts }) {
  if (!doubts?.count) return null;
  const shown = doubts.list.slice(0, 12);
  const line = ({ entry, at, type, key, since, by }) =>
    el('li', {}, tell('where-record', { entry, date: when(at), type: typeName(type) }), ' · ', tell('doubt-why', { key: code(key), since: when(since), by }));
  return el(
    'section',
    { class: 'unknown' },
    el('h3', {}, say('doubts-title')),
    el('p', {}, tell('doubts-about', { count: doubts.count })),
    el('ul', {}, shown.map(line)),
    doubts.count > shown.length && el('p', {}, tell('doubts-more', { count: doubts.count - shown.length })),
  );
}

/** What each kind of file says besides. */
function factsOf(report) {
  const lines = [];
  if (report.bundle) {
    const { entries, from, to, streams, parties } = report.bundle;
    lines.push(tell('bundle-entries', { count: entries }), tell('bundle-times', { from: when(from), to: when(to) }), tell('bundle-streams', { streams, parties }));
  }
  if (report.receipt) lines.push(tell('receipt-says', { index: Number(report.receipt.index), size: Number(report.checkpoint?.size ?? 0) }));
  if (report.refusal) {
    const { at, number: rule, words: said, event } = report.refusal;
    lines.push(tell('refusal-says', { at: when(at), rule: code(rule ? `11.${rule}` : '0') }), [el('bdi', { dir: 'auto' }, said)], [code(event, 'long')]);
  }
  if (report.statement) lines.push(tell('statement-says', { said: code(report.statement.said.join(', ')), size: Number(report.statement.size), origin: code(report.statement.origin) }));
  if (report.fork) lines.push(tell('fork-says', { a: Number(report.fork.sizes[0]), b: Number(report.fork.sizes[1]) }));
  if (report.extends !== undefined) lines.push(tell('extends', { size: Number(report.extends) }));
  if (!lines.length) return null;
  return el('section', { class: 'facts' }, el('ul', {}, lines.map((line) => el('li', {}, line))));
}
