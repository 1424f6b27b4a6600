// Canonical JSON: RFC 8785 without floats and null. FORMAT.md 2.1. A second spelling is refused while it is read.

const INTEGER_MAX = 2 ** 53;
const SHORT_ESCAPES = { '"': '"', '\\': '\\', b: '\b', t: '\t', n: '\n', f: '\f', r: '\r' };
const LONG_ESCAPES = new Set(Array.from({ length: 32 }, (_, n) => n).filter((n) => ![8, 9, 10, 12, 13].includes(n)));

/** What objects of a file have before them: no member, so that no name is special; and where a text was expected, a word. */
const AS_WORD = Object.freeze(Object.create(null, { [Symbol.toPrimitive]: { value: () => '{…}' } }));

/** Reads one value. `nesting`: in how many lists and objects a value may lie; `nulls`: depth at which null may stand. */
class JsonReader {
  constructor(text, nesting, nulls) {
    this.text = text;
    this.at = 0;
    this.nesting = nesting;
    this.nulls = nulls;
  }

  whole() {
    const value = this.value(0);
    if (this.at !== this.text.length) refuse('json');
    return value;
  }

  value(depth) {
    if (depth > this.nesting) refuse('json');
    const char = this.text[this.at];
    if (char === '"') return this.string();
    if (char === '{') return this.object(depth);
    if (char === '[') return this.list(depth);
    for (const [word, value] of [['true', true], ['false', false]]) {
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length;
        return value;
      }
    }
    if (depth === this.nulls && this.text.startsWith('null', this.at)) {
      this.at += 4;
      return null;
    }
    return this.integer();
  }

  integer() {
    const found = /-?[0-9]+/y;
    found.lastIndex = this.at;
    const match = found.exec(this.text)?.[0];
    if (!match || !/^(0|-?[1-9][0-9]{0,15})$/.test(match)) refuse('json');
    const number = Number(match);
    if (Math.abs(number) > INTEGER_MAX || String(number) !== match) refuse('json');
    this.at += match.length;
    return number;
  }

  string() {
    const start = ++this.at;
    let plain = '';
    let from = start;
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (Number.isNaN(code) || code < 0x20) refuse('json');
      if (code === 0x22) break;
      if (code !== 0x5c) {
        this.at++;
        continue;
      }
      plain += this.text.slice(from, this.at);
      const escape = this.text[this.at + 1];
      if (escape === 'u') {
        const digits = this.text.substr(this.at + 2, 4);
        const value = /^00[01][0-9a-f]$/.test(digits) ? parseInt(digits, 16) : -1;
        if (!LONG_ESCAPES.has(value)) refuse('not-canonical');
        plain += String.fromCharCode(value);
        this.at += 6;
      } else {
        if (!Object.hasOwn(SHORT_ESCAPES, escape ?? '')) refuse('not-canonical');
        plain += SHORT_ESCAPES[escape];
        this.at += 2;
      }
      from = this.at;
    }
    plain += this.text.slice(from, this.at++);
    return plain;
  }

  object(depth) {
    const object = Object.create(AS_WORD);
    this.at++;
    if (this.took('}')) return object;
    let before = null;
    do {
      if (this.text[this.at] !== '"') refuse('json');
      const name = this.string();
      // Names are ASCII, so they sort by byte as they do by UTF-16 unit.
      if (!/^[\x20-\x7e]*$/.test(name)) refuse('json');
      if (before !== null && name <= before) refuse(name === before ? 'json' : 'not-canonical');
      before = name;
      if (!this.took(':')) refuse('json');
      object[name] = this.value(depth + 1);
    } while (this.took(','));
    if (!this.took('}')) refuse('json');
    return object;
  }

  list(depth) {
    const list = [];
    this.at++;
    if (this.took(']')) return list;
    do list.push(this.value(depth + 1));
    while (this.took(','));
    if (!this.took(']')) refuse('json');
    return list;
  }

  took(char) {
    if (this.text[this.at] !== char) return false;
    this.at++;
    return true;
  }
}

/** A value of canonical JSON. */
const readJson = (text, nesting = LIMITS.nesting, nulls = -1) => new JsonReader(text, nesting, nulls).whole();

function quoted(text) {
  return `"${text.replace(/["\\\u0000-\u001f]/g, (char) => {
    const short = Object.keys(SHORT_ESCAPES).find((name) => SHORT_ESCAPES[name] === char);
    return short ? `\\${short}` : `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  })}"`;
}

/** Canonical JSON of a value. */
function writeJson(value) {
  if (typeof value === 'string') return quoted(value);
  if (Array.isArray(value)) return `[${value.map(writeJson).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    const names = Object.keys(value).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    return `{${names.map((name) => `${quoted(name)}:${writeJson(value[name])}`).join(',')}}`;
  }
  return String(value);
}

const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);
const isWhole = (value) => Number.isInteger(value) && value >= 0 && value <= INTEGER_MAX;
/** Whether an object has these members and no others. */
const hasMembers = (value, names) =>
  isObject(value) && Object.keys(value).length === names.length && names.every((name) => name in value);
