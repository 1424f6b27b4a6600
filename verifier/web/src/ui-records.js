// The records themselves, as a line of time.

const RECORDS_SHOWN = 200;

function markOf(mark) {
  const name = mark.mark === 'disputed' && mark.yours ? 'mark-disputed-yours' : `mark-${mark.mark}`;
  return el('li', { class: `mark ${mark.mark}` }, tell(name, { by: code(mark.by), entry: mark.index, date: when(mark.at) }));
}

function fieldRow(field, value, more = '') {
  return [
    el('dt', {}, field.doc ? el('bdi', { lang: 'en' }, field.doc.replace(/\.$/, '')) : say(`slot-${field.name}`), ' ', code(field.name, 'name')),
    el('dd', { class: more || null }, value),
  ];
}

const HIDDEN_WORDS = { withheld: 'slot-withheld', sealed: 'slot-sealed', erased: 'slot-erased' };

function recordBox(record, broken) {
  const open = record.hidden.filter((slot) => slot.state === 'open');
  const closed = record.hidden.filter((slot) => HIDDEN_WORDS[slot.state]);
  const empty = record.hidden.filter((slot) => slot.state === 'empty');
  return el(
    'li',
    { class: broken ? 'record broken' : 'record', id: `entry-${record.index}` },
    el(
      'article',
      {},
      el('p', { class: 'date' }, when(record.at), ' · ', tell('entry-number', { entry: record.index })),
      el('h4', {}, record.summary ? el('bdi', { lang: 'en', dir: 'ltr' }, record.summary) : code(record.type)),
      el('p', { class: 'by' }, tell('record-by', { by: code(record.by), received: when(record.receivedAt) })),
      broken && el('p', { class: 'mark not_verified' }, shape('not_verified'), ' ', say('record-broken')),
      record.marks.length > 0 && el('ul', { class: 'marks' }, record.marks.map(markOf)),
      el(
        'dl',
        {},
        record.fields.map((field) => fieldRow(field, valueOf(field.value, field))),
        record.refs.map(({ name, ref }) => fieldRow({ name, doc: '' }, code(ref)).map((node, i) => (i ? node : el('dt', {}, say('record-ref'), ' ', code(name, 'name'))))),
        closed.map((slot) => fieldRow(slot, el('span', { class: 'tag' }, tell(HIDDEN_WORDS[slot.state], { entry: slot.by })), slot.state)),
      ),
      open.length > 0 && [el('p', { class: 'group' }, say('slot-open')), el('dl', {}, open.map((slot) => fieldRow(slot, valueOf(slot.value, slot), 'open')))],
      empty.length > 0 && el('p', { class: 'quiet' }, tell('slots-empty', { list: el('bdi', { dir: 'ltr' }, empty.map((slot) => slot.name).join(', ')) })),
      el('details', {}, el('summary', {}, say('record-more')), el('p', {}, tell('record-address', { address: code(record.address) })), el('p', {}, tell('record-signed', { signers: el('bdi', { dir: 'ltr' }, record.signers.join(', ')) }))),
    ),
  );
}

function timelineOf(report) {
  if (!report.records?.length) return null;
  const shown = report.records.slice(0, RECORDS_SHOWN);
  const rest = report.records.slice(RECORDS_SHOWN);
  const broken = new Set(report.faults.map((fault) => fault.entry));
  const box = (record) => recordBox(record, broken.has(record.index));
  const list = el('ol', { class: 'timeline' }, shown.map(box));
  const more = rest.length
    ? el('p', {}, el('button', { type: 'button', class: 'more', onclick: (event) => {
        list.append(...rest.map(box));
        event.target.parentElement.remove();
      } }, say('records-more', { count: rest.length })))
    : null;
  return el('section', { class: 'records' }, el('h3', {}, say('records-title')), report.verdict === 'not_verified' && el('p', { class: 'warning' }, say('records-warning')), list, more);
}
