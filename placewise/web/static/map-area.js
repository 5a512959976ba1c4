/* Under the hotspot map: the months and hours of the records in the part of the map that is shown.
   The server draws them (map/area); moving the map asks for them again. Part of the hotspot map, see map.js. */
(function () {
  'use strict';

  const WAIT_MS = 400; // a drag and a zoom end in several moves
  const DIGITS = 5;

  window.placewiseMap = window.placewiseMap || {};
  window.placewiseMap.area = function area(map, { fetched }) {
    const box = document.querySelector('[data-area]');
    if (!box) { return; }
    const [[west, south], [east, north]] = JSON.parse(box.dataset.study);
    const study = L.latLngBounds([south, west], [north, east]);
    let waiting = null;
    let asking = 0; // only the answer to the newest question is shown
    let shown = new URL(box.dataset.area, window.location.href).href; // the whole comes with the page

    /* The address for what the map shows; all of it when the study area fits in. */
    function address() {
      const view = map.getBounds();
      const made = new URL(box.dataset.area, window.location.href);
      if (!view.contains(study)) {
        const edges = { west: view.getWest(), south: view.getSouth(), east: view.getEast(), north: view.getNorth() };
        Object.entries(edges).forEach(([name, value]) => made.searchParams.set(name, value.toFixed(DIGITS)));
      }
      return made.href;
    }

    /* What was open stays open, and whoever was in the block keeps the place. */
    function put(text) {
      const made = new DOMParser().parseFromString(text, 'text/html');
      const open = [...box.querySelectorAll('details')].map((one) => one.open);
      const held = box.contains(document.activeElement) ? [...box.querySelectorAll('summary, [tabindex]')].indexOf(document.activeElement) : -1;
      box.replaceChildren(...made.body.childNodes);
      box.querySelectorAll('details').forEach((one, k) => { one.open = Boolean(open[k]); });
      const again = box.querySelectorAll('summary, [tabindex]')[held];
      if (again) { again.focus({ preventScroll: true }); }
    }

    async function show() {
      const asked = address();
      if (asked === shown) { return; }
      asking += 1;
      const mine = asking;
      box.setAttribute('aria-busy', 'true');
      try {
        const answer = await fetched(asked);
        if (mine !== asking) { return; }
        put(answer.html);
        shown = asked;
      } catch (problem) {
        if (mine !== asking) { return; }
        const said = document.createElement('p');
        said.className = 'govuk-body pw-map-note';
        said.textContent = `The months and hours of this part of the map could not be loaded. ${problem.message}`;
        box.replaceChildren(said);
        shown = null;
      } finally {
        if (mine === asking) { box.removeAttribute('aria-busy'); }
      }
    }

    function soon() {
      window.clearTimeout(waiting);
      waiting = window.setTimeout(show, WAIT_MS);
    }

    map.on('moveend resize', soon);
    soon();
  };
}());
