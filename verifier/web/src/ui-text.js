// Words in three languages. A word that a language lacks is a fault of the page, found by its tests.

const LANGUAGES = [
  ['en', 'English', 'ltr'],
  ['fr', 'Français', 'ltr'],
  ['ar', 'العربية', 'rtl'],
];

const words = { lang: 'en', all: {} };

const number = (n) => new Intl.NumberFormat(`${words.lang}-u-nu-latn`).format(n);

/** The sentence of that name, for a count where it has plural forms. */
function template(name, values) {
  const found = words.all[words.lang]?.[name] ?? words.all.en?.[name];
  if (found === undefined || typeof found === 'string') return found ?? name;
  const form = new Intl.PluralRules(words.lang).select(Number(values.count ?? 0));
  return found[form] ?? found.other;
}

const hasWords = (name) => words.all.en?.[name] !== undefined;

/** A sentence as plain text. */
function say(name, values = {}) {
  return template(name, values).replace(/\{(\w+)\}/g, (_, key) => plainOf(values[key]));
}

const plainOf = (value) => (value instanceof Node ? value.textContent : typeof value === 'number' ? number(value) : String(value ?? '–'));

/** A sentence as nodes: whatever is filled in keeps its own direction. */
function tell(name, values = {}) {
  const nodes = [];
  for (const [i, part] of template(name, values).split(/\{(\w+)\}/).entries()) {
    if (i % 2 === 0) {
      if (part) nodes.push(document.createTextNode(part));
    } else {
      const value = values[part];
      nodes.push(value instanceof Node ? value : el('bdi', {}, plainOf(value)));
    }
  }
  return nodes;
}

/** Values that are codes, in words: what a file's way did to it, and what does not fit in a copy of a bundle. */
function inWords(values) {
  if (values.changes) return { ...values, changes: values.changes.map((name) => say(`change-${name}`)).join(say('comma')) };
  if (!values.copy) return values;
  const { missing, changed, more, examples, held } = values.copy;
  const parts = [missing && say('copy-missing', { count: missing }), changed && say('copy-changed', { count: changed }), more && say('copy-more', { count: more })];
  const named = examples.map(({ path, code: why, values: of }) => `${path}: ${say(why.startsWith('instead-') ? `why-${why}` : `mishap-${why}`, inWords(of))}`);
  return {
    what: parts.filter(Boolean).join(say('comma')),
    examples: named.join('; '),
    held: held ? say('copy-held', { count: held }) : say('copy-unheld'),
  };
}

/** The words for why something does not hold, or cannot be told. */
function reason({ code, values: given = {} }) {
  const values = inWords(given);
  const name = `why-${code}`;
  if (hasWords(name)) return tell(name, values);
  const detail = Object.values(values).join(' ');
  return tell('why-form', { code: detail ? `${code} ${detail}` : code });
}
