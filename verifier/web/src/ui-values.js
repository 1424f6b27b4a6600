// Values of records, by their type in the catalogue. FORMAT.md 2.2.

function money({ amount, currency }) {
  try {
    const form = new Intl.NumberFormat(`${words.lang}-u-nu-latn`, { style: 'currency', currency });
    return form.format(amount / 10 ** (form.resolvedOptions().maximumFractionDigits ?? 2));
  } catch {
    return `${amount} ${currency}`;
  }
}

/** One value as a node. What does not have its type's form is shown as it stands. */
function valueOf(value, { kind, unit }) {
  if (Array.isArray(value)) {
    return el('ul', { class: 'values' }, value.map((one) => el('li', {}, valueOf(one, { kind, unit }))));
  }
  if (typeof value === 'boolean') return document.createTextNode(say(value ? 'yes' : 'no'));
  if (isObject(value) && typeof value.text === 'string') return el('bdi', { lang: isLanguage(value.lang) ? value.lang : null, dir: 'auto' }, value.text);
  if (isObject(value) && typeof value.currency === 'string') return el('bdi', {}, money(value));
  if (typeof value === 'number') {
    if (kind === 'percent') return el('bdi', { dir: 'ltr' }, `${number(value / 10)} %`);
    if (['minutes', 'hours', 'days'].includes(kind)) return el('bdi', {}, say(`unit-${kind}`, { count: value }));
    return el('bdi', {}, number(value));
  }
  if (typeof value !== 'string') return code(writeJson(value ?? ''));
  if (kind === 'date' || kind === 'time') return when(value);
  if (kind === 'code') return el('bdi', { lang: 'en' }, value.replaceAll('_', ' '));
  return code(value, kind === 'digest' || kind === 'vkey' ? 'long' : '');
}
