// Asks axe-core about the page that this is appended to, and writes what is wrong, one line each.
'use strict';

axe
  .run(document, {
    runOnly: { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] },
    rules: { 'target-size': { enabled: true } },
  })
  .then((found) => {
    const lines = found.violations.flatMap((rule) =>
      rule.nodes.slice(0, 5).map((node) => `${rule.id} (${rule.impact}): ${rule.help}: ${node.target.join(' ')}`),
    );
    lines.push(`asked ${found.passes.length + found.violations.length + found.inapplicable.length}`);
    return lines;
  })
  .catch((error) => [`axe-core failed: ${error}`])
  .then((lines) => {
    const result = document.createElement('pre');
    result.id = 'result';
    result.textContent = lines.join('\n');
    document.body.append(result);
  });
