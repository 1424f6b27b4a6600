// Files may be dropped on the form that asks for them; everything else works without this script.
'use strict';

for (const form of document.querySelectorAll('form[data-drop]')) {
  const input = form.querySelector(`input[type="file"][name="${form.dataset.drop}"]`);
  const over = (event) => {
    event.preventDefault();
    form.classList.add('over');
  };
  form.addEventListener('dragenter', over);
  form.addEventListener('dragover', over);
  form.addEventListener('dragleave', () => form.classList.remove('over'));
  form.addEventListener('drop', (event) => {
    event.preventDefault();
    form.classList.remove('over');
    if (event.dataTransfer.files.length === 0) return;
    input.files = event.dataTransfer.files;
    form.requestSubmit();
  });
}
