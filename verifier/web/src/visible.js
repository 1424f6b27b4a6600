// What hides in a text, made visible: the same table as `schemas::visible`, and the same cases in its tests. A file
// name, a record or a log's name never steers what stands around it, and two contents never look the same unseen.

/** Kinds of characters that hide wherever they stand. */
const HIDES =
  /[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffc\ufdd0-\ufdef\u{13430}-\u{1343f}\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}]|(?![\u{e0100}-\u{e01ef}])[\u{e0000}-\u{e0fff}]|[\ufffe\uffff]/u;
const PLAIN = /^[ -~\u00a1-\u00ac\u00ae-\u02ff]*$/;
const JOINER = /[\u200c\u200d]/;
const SELECTOR = /[\ufe00-\ufe0f\u{e0100}-\u{e01ef}\u180b-\u180d\u180f]/u;
/** Letters and marks of scripts in which joiners are spelling. */
const JOINS =
  /(?=[\p{Alphabetic}\p{M}])(?![\u180b-\u180d\u180f])[\u0600-\u077f\u07c0-\u07ff\u0840-\u0dff\u1000-\u109f\u1780-\u18af\ua840-\ua8ff\ufb50-\ufdcf\ufe70-\ufefc\u{10a00}-\u{10a5f}\u{11000}-\u{11fff}\u{1e900}-\u{1e95f}]/u;
const EMOJI = /[\ufe0f\u2190-\u21ff\u2600-\u27bf\u2b00-\u2bff\u{1f000}-\u{1faff}]/u;
const PICTURE = /[#*0-9\u00a9\u00ae\u203c\u2049\u2122-\u27bf\u2900-\u2bff\u3030-\u303d\u3297\u3299\u{1f000}-\u{1faff}]/u;
const IDEOGRAPH = /[\u3400-\u9fff\uf900-\ufaff\u{20000}-\u{3fffd}]/u;

const is = (kind, char) => char !== undefined && kind.test(char);

/** Whether a variation selector may follow. */
function varies(before, selector) {
  if (selector === '\ufe0e' || selector === '\ufe0f') return is(PICTURE, before);
  if (/[\ufe00-\ufe0d]/.test(selector)) return false;
  if (/[\u180b-\u180f]/.test(selector)) return is(/[\u1820-\u18aa]/, before);
  return is(IDEOGRAPH, before);
}

/** What a character hides between those beside it. */
function hides(before, char, after) {
  if (JOINER.test(char)) {
    return !((is(JOINS, before) && is(JOINS, after)) || (char === '\u200d' && is(EMOJI, before) && is(EMOJI, after)));
  }
  if (SELECTOR.test(char)) return !varies(before, char);
  return HIDES.test(char) || (char.codePointAt(0) & 0xfffe) === 0xfffe;
}

const sign = (char) => `\u27e8U+${char.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}\u27e9`;

/** A text as it may stand inside a line: whatever hides is a sign such as ⟨U+202E⟩, line breaks too. */
function visible(text) {
  if (PLAIN.test(text)) return text;
  const chars = Array.from(text);
  return chars.map((char, i) => (hides(chars[i - 1], char, chars[i + 1]) ? sign(char) : char)).join('');
}

/** A text of several lines: its line breaks stay. */
const visibleLines = (text) => text.split('\n').map(visible).join('\n');
