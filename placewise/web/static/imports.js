/* An import's progress, and a word about a file's size before it is sent. Both pages work without this. */

// A long import is asked after less and less often.
const FIRST_LOOK_MS = 800;
const SLOWER = 1.4;
const SLOWEST_MS = 8000;

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

function followImport(place) {
  const bar = place.querySelector("progress");
  const percent = place.querySelector(".pw-running__percent");
  const spoken = place.querySelector("[role=status]");
  let said = -1;
  let wait = FIRST_LOOK_MS;
  const again = () => {
    setTimeout(look, wait);
    wait = Math.min(wait * SLOWER, SLOWEST_MS);
  };
  const look = async () => {
    let found;
    try {
      const answer = await fetch(place.dataset.progress, { headers: { Accept: "application/json" } });
      if (!answer.ok) {
        location.reload(); // signed out, or gone: the page itself says which
        return;
      }
      found = await answer.json();
    } catch {
      again(); // the connection may come back
      return;
    }
    bar.value = found.percent;
    percent.textContent = found.percent;
    const quarter = Math.floor(found.percent / 25) * 25;
    if (quarter > said) {
      said = quarter;
      spoken.textContent = `${quarter}% read`;
    }
    if (found.over) location.reload();
    else again();
  };
  again();
}

const input = document.querySelector("input[type=file][data-most-bytes]");
if (input) watchSize(input);
const place = document.querySelector("[data-progress]");
if (place) followImport(place);
