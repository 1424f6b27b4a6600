// Elements, shapes, dates. Text only ever becomes text, and nothing hides in it: the one way of words onto the page.

function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  const shown = children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
  element.append(...shown.map((child) => (typeof child === 'string' ? visibleLines(child) : child)));
  return element;
}

/** Shapes of the verdicts and of steps; each differs without its colour. */
const SHAPES = {
  verified: ['M12 2a10 10 0 1 0 0 20a10 10 0 1 0 0-20z', 'M7 12.5l3.5 3.5L17 9'],
  not_verified: ['M8 2h8l6 6v8l-6 6H8l-6-6V8z', 'M8 8l8 8M16 8l-8 8'],
  proven: ['M12 2L23 21H1z', 'M12 9v6M12 17.6v.3'],
  not_proven: ['M12 1.5L22.5 12L12 22.5L1.5 12z', 'M7 12h10'],
  cannot_tell: ['M12 1.5L22.5 12L12 22.5L1.5 12z', 'M9.6 9.6a2.4 2.4 0 1 1 3.6 2.1c-.9.5-1.2.9-1.2 1.9M12 16.4v.3'],
  partly: ['M3 3h18v18H3z', 'M7 12h2.5M11 12h2M14.5 12H17'],
};

function shape(name) {
  const make = (tag, attributes) => {
    const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  };
  const svg = make('svg', { viewBox: '0 0 24 24', class: `shape ${name}`, 'aria-hidden': 'true', focusable: 'false' });
  const [body, sign] = SHAPES[name];
  svg.append(make('path', { d: body, class: 'body' }), make('path', { d: sign, class: 'sign' }));
  return svg;
}

const code = (text, more = '') => el('bdi', { dir: 'ltr' }, el('code', { class: more || null }, text));

const LOCALES = { en: 'en-GB', fr: 'fr', ar: 'ar' };

/** A day or an instant in the reader's words, with the exact text for programs. */
function when(text) {
  const day = isDay(text);
  if (!day && !isInstant(text)) return el('bdi', {}, String(text));
  const date = new Date((day ? dayNumber(text) * 86400 : secondsOf(text)) * 1000);
  const form = { dateStyle: 'long', timeZone: 'UTC', calendar: 'gregory', numberingSystem: 'latn', ...(day ? {} : { timeStyle: 'short' }) };
  const shown = new Intl.DateTimeFormat(LOCALES[words.lang] ?? words.lang, form).format(date);
  return el('time', { datetime: text }, el('bdi', {}, day ? shown : `${shown} UTC`));
}

/** Six words and six numbers, in order for every script. */
function fingerprintOf({ words: six, numbers }) {
  const numbersList = numbers.split(' ');
  return el(
    'ol',
    { class: 'fingerprint', dir: 'ltr' },
    six.split(' ').map((word, i) => el('li', {}, el('span', { class: 'word', lang: 'zxx' }, word), el('span', { class: 'number' }, numbersList[i]))),
  );
}

const announce = (text) => {
  document.getElementById('status').textContent = visible(text);
};
