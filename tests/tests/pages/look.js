// Looks at pages in frames, as a reader's screen would show them, and writes what is wrong, one line each.
// The last line says how many frames were looked at.
'use strict';

const words = (element) => {
  const text = element.textContent.trim().replace(/\s+/g, ' ').slice(0, 60);
  return `<${element.tagName.toLowerCase()}> "${text}"`;
};

// Boxes of lines have room above and below the letters; letters touch when about a third of a box is shared.
const overlap = (a, b) =>
  Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 &&
  Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 0.35 * Math.min(a.height, b.height);

function structure(page) {
  const wrong = [];
  if (page.compatMode !== 'CSS1Compat') wrong.push('is shown in quirks mode');
  for (const name of ['script', 'img', 'iframe', 'object', 'form']) {
    if (page.querySelector(name)) wrong.push(`holds a <${name}>`);
  }
  if (page.querySelectorAll('h1').length !== 1) wrong.push('has not one h1');
  let before = 0;
  for (const heading of page.querySelectorAll('h1, h2, h3, h4, h5, h6')) {
    const level = Number(heading.tagName[1]);
    if (level > before + 1) wrong.push(`skips a level before ${words(heading)}`);
    if (!heading.textContent.trim()) wrong.push(`has an empty ${words(heading)}`);
    before = level;
  }
  for (const figure of page.querySelectorAll('section.figure')) {
    if (!figure.querySelector('table caption')) wrong.push(`has no table with a caption in figure ${figure.id}`);
    if (!figure.querySelector('svg.chart, .empty')) wrong.push(`has no picture in figure ${figure.id}`);
    if (!figure.querySelector('.provenance a[href^="data/"]')) wrong.push(`has no download in figure ${figure.id}`);
  }
  for (const table of page.querySelectorAll('table')) {
    const wide = [...table.rows].map((row) => [...row.cells].reduce((n, cell) => n + cell.colSpan, 0));
    const tall = [...table.querySelectorAll('[rowspan]')].length > 0;
    if (!tall && new Set(wide).size > 1) wrong.push(`has rows of different length in ${words(table.caption)}`);
  }
  return wrong;
}

function layout(page) {
  const wrong = [];
  const root = page.scrollingElement;
  if (root.scrollWidth > root.clientWidth) {
    wrong.push(`scrolls sideways: ${root.scrollWidth} px on a screen of ${root.clientWidth}`);
    const scrolls = (element) => element.closest('.scroll, pre') !== null;
    const out = [...page.body.querySelectorAll('*')].filter(
      (element) => !scrolls(element) && element.getBoundingClientRect().right > root.clientWidth + 1,
    );
    for (const element of out.slice(0, 5)) wrong.push(`sticks out: ${words(element)}`);
  }
  for (const chart of page.querySelectorAll('svg.chart')) {
    const texts = [...chart.querySelectorAll('text')].map((text) => [text, text.getBoundingClientRect()]);
    const frame = chart.getBoundingClientRect();
    texts.forEach(([text, box], i) => {
      if (box.left < frame.left - 12 || box.right > frame.right + 12) wrong.push(`a label leaves its chart: ${words(text)}`);
      for (const [other, its] of texts.slice(i + 1)) {
        if (overlap(box, its)) wrong.push(`labels overlap: ${words(text)} and ${words(other)}`);
      }
    });
  }
  for (const link of page.querySelectorAll('a')) {
    if (link.getClientRects().length === 0 && !link.closest('.print-only')) wrong.push(`cannot be seen: ${words(link)}`);
  }
  return wrong;
}

addEventListener('load', () => {
  const lines = [];
  for (const frame of document.querySelectorAll('iframe')) {
    const page = frame.contentDocument;
    const name = `${frame.dataset.name} at ${frame.clientWidth} px`;
    for (const wrong of [...structure(page), ...layout(page)]) lines.push(`${name} ${wrong}`);
  }
  lines.push(`looked at ${document.querySelectorAll('iframe').length}`);
  document.getElementById('result').textContent = lines.join('\n');
});
