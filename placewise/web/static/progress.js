/* How far long work is, for a page that waits for it; without this, "Look again" does the same. */

// Long work is asked after less and less often.
const FIRST_LOOK_MS = 800;
const SLOWER = 1.4;
const SLOWEST_MS = 8000;

function followProgress(place) {
  const bar = place.querySelector("progress");
  const percent = place.querySelector(".pw-running__percent");
  const words = place.querySelector(".pw-running__words");
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
    if (words && found.words) words.textContent = found.words;
    const quarter = Math.floor(found.percent / 25) * 25;
    if (quarter > said) {
      said = quarter;
      spoken.textContent = `${quarter}% ${place.dataset.doing}`;
    }
    if (found.over) location.reload();
    else again();
  };
  again();
}

document.querySelectorAll("[data-progress]").forEach(followProgress);
