// Values of records, by their type in the catalogue. FORMAT.md 2.2.

/** A sum in whole units. How many decimals a minor unit is says ISO 4217: what the browser shows is another matter. */
function money({ amount, currency }) {
  const digits = Object.hasOwn(CATALOGUE.exponents, currency) ? CATALOGUE.exponents[currency] : 2;
  const text = String(amount).padStart(digits + 1, '0');
  const whole = text.slice(0, text.length - digits);
  const form = new Intl.NumberFormat(`${words.lang}-u-nu-latn`, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const point = form.formatToParts(1.5).find(({ type }) => type === 'decimal')?.value ?? '.';
  const grouped = new Intl.NumberFormat(`${words.lang}-u-nu-latn`).format(BigInt(whole));
  return `${grouped}${digits ? point + text.slice(text.length - digits) : ''} ${currency}`;
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
