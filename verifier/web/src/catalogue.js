// The catalogue: which events there are, and the forms of their values. FORMAT.md 2.2, 5.1.
//
// `CATALOGUE` is set from the page's data before anything is read.

let CATALOGUE = { events: {}, inner: {}, codes: {}, exponents: {}, pages: [] };

const typeOf = (name) => (Object.hasOwn(CATALOGUE.events, name) ? CATALOGUE.events[name] : null);
const TIME_SLOTS = ['occurred_at', 'recorded_at'];

/** Names of a type's hidden slots, in order. */
function slotsOf(type) {
  if (!type.hides) return [];
  return type.fields.filter((f) => f.visibility !== 'public' || f.unlessNamed).map((f) => f.name).concat(TIME_SLOTS);
}

const isLanguage = (text) =>
  typeof text === 'string' && text.length <= 35 && /^[A-Za-z][A-Za-z0-9]{0,7}(-[A-Za-z0-9]{1,8})*$/.test(text);

const FORMS = {
  id: isId,
  party: isId,
  facility: isId,
  vkey: (v) => typeof v === 'string' && /^[\x21-\x7e]{1,512}$/.test(v),
  date: isDay,
  time: isInstant,
  count: isWhole,
  persons: isWhole,
  minutes: isWhole,
  hours: isWhole,
  days: isWhole,
  percent: (v) => isWhole(v) && v <= 1000,
  money: (v) => hasMembers(v, ['amount', 'currency']) && isWhole(v.amount) && typeof v.currency === 'string' && /^[A-Z]{3}$/.test(v.currency),
  text: (v) =>
    hasMembers(v, ['lang', 'text']) &&
    isLanguage(v.lang) &&
    typeof v.text === 'string' &&
    v.text !== '' &&
    utf8(v.text).length <= LIMITS.text,
  digest: (v) => hash16(v) !== null,
  bool: (v) => typeof v === 'boolean',
};

/** Whether a value has the form of its field. */
function fitsField(field, value) {
  const one = (v) => (field.kind === 'code' ? typeof v === 'string' && CATALOGUE.codes[field.codes].includes(v) : FORMS[field.kind](v));
  if (!field.list) return one(value);
  if (!Array.isArray(value) || value.length < 1 || value.length > LIMITS.list) return false;
  return new Set(value.map(writeJson)).size === value.length && value.every(one);
}

/** Whether a value has the form of a type's slot. */
function fitsSlot(type, name, value) {
  const field = type.fields.find((f) => f.name === name);
  return field ? fitsField(field, value) : isInstant(value) || isDay(value);
}
