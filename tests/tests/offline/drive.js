// Runs a script of the tests in the page, and leaves the lines that it returns.
'use strict';

(() => {
  let working = true;
  // The page's clock runs away while nothing is to be done, as when the browser checks a signature elsewhere.
  const busy = new MessageChannel();
  busy.port1.onmessage = () => working && busy.port2.postMessage(0);
  busy.port2.postMessage(0);
  const given = JSON.parse(document.getElementById('given').textContent);
  const raw = (text) => Uint8Array.from(text, (char) => char.charCodeAt(0));
  const settled = async (test, what) => {
    for (let turn = 0; !test(); turn++) {
      if (turn > 20000) throw new Error(`waited for ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };
  const press = (id) => document.getElementById(id).click();
  const choose = (id, files) => {
    const chosen = new DataTransfer();
    for (const [name, text] of files) chosen.items.add(new File([raw(text)], name));
    const input = document.getElementById(id);
    input.files = chosen.files;
    input.dispatchEvent(new Event('change'));
  };
  const shown = () => document.getElementById('page').textContent;
  const result = () => document.querySelector('.result');
  const checked = () => settled(() => result() && !document.querySelector('progress'), 'a verdict');
  const drive = async () => {
    /* HERE */
  };
  drive()
    .catch((error) => [`the script failed: ${error.stack}`])
    .then((lines) => {
      working = false;
      const pre = document.createElement('pre');
      pre.id = 'result';
      pre.textContent = lines.join('\n');
      document.body.append(pre);
    });
})();
