/* Small behaviours of every page. */

// The filters of a work surface start closed where they would push the picture off the screen.
const narrow = window.matchMedia("(max-width: 64rem)");
for (const filters of document.querySelectorAll("details.pw-surface__filters")) {
  if (narrow.matches) filters.open = false;
}

// A heading that is reached by the skip link or after an error keeps the reader's place.
document.querySelector(".govuk-skip-link")?.addEventListener("click", () => {
  document.getElementById("main-content")?.focus();
});
