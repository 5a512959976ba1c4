/* A word about a file's size before it is sent. The page works without this. */

function watchSize(input) {
  const message = document.getElementById("file-too-big");
  const most = Number(input.dataset.mostBytes);
  const tooBig = () => input.files.length > 0 && input.files[0].size > most;
  const tell = () => {
    message.hidden = !tooBig();
    document.getElementById("file-group").classList.toggle("govuk-form-group--error", tooBig());
  };
  input.addEventListener("change", tell);
  input.form.addEventListener("submit", (event) => {
    if (!tooBig()) return;
    event.preventDefault();
    tell();
    input.focus();
  });
}

const input = document.querySelector("input[type=file][data-most-bytes]");
if (input) watchSize(input);
