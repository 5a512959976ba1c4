/* The hotspot map in the browser. folium's script makes the map and calls these functions by name:
     baseMap (map-ground.js), mainLayer, outlines, places, start
   Everything that comes from data is fetched from this server or read from data-… attributes, and is set as text.
   The address of the page always holds the whole state: filters (from the form) and what is changed here. */
(function () {
  'use strict';

  const maker = window.placewiseMap = window.placewiseMap || {};
  const MANY_PLACES = 100; // beyond this, the table is the better way through them by keyboard
  const CLOSE_ZOOM = 15; // near enough for a cell and what is around it
  const FAR_ZOOM = 13; // up to here a borough fits a phone, and full rings would hide its cells
  const TOO_FAR_ZOOM = 10; // up to here even small rings would run into one

  let canvas; // the element that holds the map's addresses
  let cellLayer;
  let mainGroup;
  let outlineGroup;
  let placeGroup;
  let dots;
  let selection = null;
  let opener = null; // where the focus goes back to

  const byData = (name) => document.querySelector(`[data-${name}]`);

  function say(text) { document.getElementById('map-status').textContent = text; }

  async function fetched(address) {
    const answer = await fetch(address, { credentials: 'same-origin', headers: { Accept: 'application/json' } });
    if (!answer.ok) {
      const problem = await answer.json().catch(() => ({}));
      throw new Error(problem.detail || 'It could not be loaded. Try again in a moment.');
    }
    return answer.json();
  }

  // --- The address of the page ------------------------------------------------------------------

  function remember(changes) {
    const address = new URL(window.location.href);
    Object.entries(changes).forEach(([name, value]) => {
      address.searchParams.delete(name);
      [].concat(value === null ? [] : value).forEach((one) => address.searchParams.append(name, one));
    });
    window.history.replaceState(null, '', address);
  }

  /* Links and the filter form take along what was changed since the page was made. */
  const KEPT = ['lat', 'lon', 'zoom', 'cell', 'show', 'month'];

  function carryOver() {
    document.querySelectorAll('a[data-keeps-view]').forEach((link) => link.addEventListener('click', () => {
      const address = new URL(link.href);
      const here = new URLSearchParams(window.location.search);
      KEPT.forEach((name) => {
        address.searchParams.delete(name);
        here.getAll(name).forEach((value) => address.searchParams.append(name, value));
      });
      link.href = address.href;
    }));
    document.querySelectorAll('form[data-keeps-view]').forEach((form) => form.addEventListener('formdata', (event) => {
      const here = new URLSearchParams(window.location.search);
      KEPT.filter((name) => name !== 'month' && name !== 'cell').forEach((name) => {
        event.formData.delete(name);
        here.getAll(name).forEach((value) => event.formData.append(name, value));
      });
    }));
  }

  // --- The main layer ------------------------------------------------------------------------------

  function fill(list, texts, className) {
    list.replaceChildren(...texts.map((text) => {
      const item = document.createElement('li');
      if (className) { item.className = className; }
      item.textContent = text;
      return item;
    }));
  }

  function showLegend(answer) {
    byData('map-sentence').textContent = answer.sentence;
    byData('map-silence').textContent = answer.silence;
    byData('legend-title').textContent = answer.legend.title;
    fill(byData('legend-lines'), answer.legend.lines);
    fill(byData('left-out'), answer.left_out);
    byData('legend-key').replaceChildren(...answer.legend.key.map((swatch) => {
      const item = document.createElement('li');
      const colour = document.createElement('span');
      item.className = 'pw-legend__item';
      colour.className = `pw-swatch pw-swatch--${swatch.look}`;
      colour.setAttribute('aria-hidden', 'true');
      item.append(colour, swatch.label);
      return item;
    }));
  }

  function draw(answer) {
    mainGroup.clearLayers();
    cellLayer.show([], answer.view);
    if (answer.layer.kind === 'cells') {
      cellLayer.show(maker.cellsOf(answer.layer), answer.view);
    } else if (answer.layer.kind === 'emerging') {
      cellLayer.show(maker.emergingCells(answer.layer), answer.view);
    } else if (answer.layer.kind === 'circles') {
      maker.circlesOf(answer.layer).forEach((part) => mainGroup.addLayer(part));
    } else if (answer.layer.kind === 'bands') {
      maker.bandsOf(answer.layer).forEach((band) => mainGroup.addLayer(band));
    }
  }

  let loading = 0; // only the answer to the newest question is shown

  /* Fetch and show the layer at an address, and the words with it: the answer, null if it could not be shown, undefined
     if another was asked for meanwhile. */
  maker.load = async function load(address) {
    loading += 1;
    const mine = loading;
    canvas.setAttribute('aria-busy', 'true');
    try {
      const answer = await fetched(address);
      if (mine !== loading) { return undefined; }
      draw(answer);
      showLegend(answer);
      dots.follow(new URL(address, window.location.href).searchParams.get('month'));
      say(`${answer.legend.title}: ${answer.n.toLocaleString('en-GB')} records on the map. ${answer.silence}`);
      return answer;
    } catch (problem) {
      if (mine !== loading) { return undefined; }
      say(`The layer could not be shown. ${problem.message}`);
      fill(byData('legend-lines'), [`The layer could not be shown. ${problem.message}`]);
      return null;
    } finally {
      if (mine === loading) { canvas.removeAttribute('aria-busy'); }
    }
  };

  maker.mainLayer = function mainLayer(map) {
    canvas = map.getContainer().closest('[data-layer]');
    cellLayer = new maker.CellLayer();
    map.createPane('clusters'); // where it lies among the others is said in map-calculated.css
    mainGroup = L.layerGroup();
    return L.layerGroup([cellLayer, mainGroup]);
  };

  // --- Places and outlines -----------------------------------------------------------------------

  function placeLink(place, reachable) {
    const link = document.createElement('a');
    const name = document.createElement('span');
    link.className = 'pw-pin';
    link.href = canvas.dataset.place + place.id;
    if (!reachable) { link.tabIndex = -1; }
    link.setAttribute('aria-label', `${place.name}: ${place.records.toLocaleString('en-GB')} records. Open the place.`);
    name.className = 'pw-pin__name';
    name.textContent = place.name;
    link.append(name);
    L.DomEvent.disableClickPropagation(link);
    return link;
  }

  maker.places = function places() {
    const all = JSON.parse(canvas.dataset.places);
    placeGroup = L.layerGroup(all.map((place) => L.marker([place.lat, place.lon], {
      interactive: false,
      keyboard: false,
      icon: L.divIcon({ className: 'pw-pin-box', iconSize: [28, 28], html: placeLink(place, all.length <= MANY_PLACES) }),
    })));
    return placeGroup;
  };

  const OUTLINES = {
    ward: { color: '#1d3d47', weight: 2, opacity: 0.75, fill: false },
    lsoa: { color: '#505a5f', weight: 1, opacity: 0.7, dashArray: '4 3', fill: false },
  };
  const outlineLayers = {};

  maker.outlines = function outlines() {
    outlineGroup = L.layerGroup();
    return outlineGroup;
  };

  async function toggle(map, name, shown) {
    if (name === 'dots') {
      dots.toggle(shown);
      return;
    }
    if (name === 'places') {
      if (shown) { placeGroup.addTo(map); } else { placeGroup.remove(); }
      return;
    }
    if (shown && !outlineLayers[name]) {
      try {
        const shapes = await fetched(canvas.dataset.outlines.replace('KIND', name));
        outlineLayers[name] = L.geoJSON(shapes, { interactive: false, style: OUTLINES[name] });
      } catch (problem) {
        say(`The outlines could not be shown. ${problem.message}`);
        return;
      }
    }
    if (shown) { outlineGroup.addLayer(outlineLayers[name]); } else if (outlineLayers[name]) { outlineGroup.removeLayer(outlineLayers[name]); }
  }

  function followToggles(map) {
    const boxes = [...document.querySelectorAll('[data-overlay]')];
    boxes.forEach((box) => {
      toggle(map, box.dataset.overlay, box.checked);
      box.addEventListener('change', () => {
        toggle(map, box.dataset.overlay, box.checked);
        const chosen = boxes.filter((one) => one.checked).map((one) => one.dataset.overlay);
        remember({ show: chosen.length ? chosen : ['none'] });
        say(`${box.parentElement.textContent.trim()} ${box.checked ? 'shown' : 'hidden'}.`);
      });
    });
  }

  // --- One cell -----------------------------------------------------------------------------------

  function outlineCell(map, cell) {
    if (selection) { selection.remove(); }
    selection = cell && L.layerGroup([
      L.polygon(cell.corners, { interactive: false, fill: false, color: '#ffdd00', weight: 9 }),
      L.polygon(cell.corners, { interactive: false, fill: false, color: '#0b0c0c', weight: 4 }),
    ]).addTo(map);
  }

  function showFacts(facts) {
    byData('cell-title').textContent = facts.title;
    byData('cell-verdict').textContent = facts.verdict;
    byData('cell-lines').replaceChildren(...facts.lines.flatMap(([name, value]) => {
      const term = document.createElement('dt');
      const detail = document.createElement('dd');
      term.textContent = name;
      detail.textContent = value;
      return [term, detail];
    }));
    byData('cell-why').replaceChildren(...new DOMParser().parseFromString(facts.why, 'text/html').body.childNodes);
    byData('cell-facts').hidden = false;
  }

  let choosing = 0;

  async function choose(map, name, { focus = false } = {}) {
    choosing += 1;
    const mine = choosing;
    const drawn = cellLayer.cells.find((cell) => cell.name === name);
    outlineCell(map, drawn);
    remember({ cell: name });
    try {
      const month = new URLSearchParams(window.location.search).get('month');
      const address = new URL(canvas.dataset.cell, window.location.href);
      address.searchParams.delete('month');
      address.searchParams.set('cell', name);
      if (month) { address.searchParams.set('month', month); }
      const facts = await fetched(address);
      if (mine !== choosing) { return; }
      showFacts(facts);
      say(`${facts.title}. ${facts.verdict}. ${facts.lines.slice(0, 2).map((line) => line.join(': ')).join('. ')}.`);
      if (focus) { byData('cell-facts').focus(); }
    } catch (problem) {
      say(`The cell could not be shown. ${problem.message}`);
    }
  }

  function close(map) {
    if (byData('cell-facts').hidden) { return; }
    choosing += 1;
    byData('cell-facts').hidden = true;
    outlineCell(map, null);
    remember({ cell: null });
    say('Cell closed.');
    (opener && opener.isConnected ? opener : map.getContainer()).focus();
    opener = null;
  }

  function followCells(map) {
    map.on('click', (event) => {
      const cell = cellLayer.at(event.latlng);
      if (cell) { choose(map, cell.name); }
    });
    map.getContainer().addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || event.target !== map.getContainer()) { return; }
      const cell = cellLayer.at(map.getCenter());
      opener = map.getContainer();
      if (cell) { choose(map, cell.name, { focus: true }); } else { say('No cell with records under the cross.'); }
    });
    document.addEventListener('keydown', (event) => { if (event.key === 'Escape') { close(map); } });
    byData('cell-close').addEventListener('click', () => close(map));
    document.querySelectorAll('[data-show-cell]').forEach((button) => button.addEventListener('click', () => {
      opener = button;
      map.setView([Number(button.dataset.lat), Number(button.dataset.lon)], Math.max(map.getZoom(), CLOSE_ZOOM), { animate: false });
      canvas.scrollIntoView({ block: 'nearest' });
      choose(map, button.dataset.showCell, { focus: true });
    }));
  }

  // --- Start ---------------------------------------------------------------------------------------

  function lookAt(map) {
    const [[west, south], [east, north]] = JSON.parse(canvas.dataset.bounds);
    if (canvas.dataset.looksAt !== 'address') { map.fitBounds([[south, west], [north, east]], { animate: false, padding: [8, 8] }); }
    map.on('moveend', () => {
      const { lat, lng } = map.getCenter();
      remember({ lat: lat.toFixed(5), lon: lng.toFixed(5), zoom: map.getZoom() });
    });
  }

  function nameByZoom(map) {
    const set = () => {
      canvas.classList.toggle('pw-map--close', map.getZoom() >= CLOSE_ZOOM);
      canvas.classList.toggle('pw-map--far', map.getZoom() <= FAR_ZOOM);
      canvas.classList.toggle('pw-map--too-far', map.getZoom() <= TOO_FAR_ZOOM);
    };
    map.on('zoomend', set);
    set();
  }

  maker.start = function start(map) {
    const box = map.getContainer();
    box.setAttribute('role', 'application');
    box.setAttribute('aria-label', 'Hotspot map');
    box.setAttribute('aria-describedby', 'map-keys');
    map.attributionControl.setPrefix('Base map: the partnership’s own geography');
    L.control.scale({ imperial: false }).addTo(map);
    lookAt(map);
    nameByZoom(map);
    carryOver();
    dots = maker.dots(map, { fetched, say });
    followToggles(map);
    followCells(map);
    draw(JSON.parse(document.getElementById('first-layer').textContent));
    if (canvas.dataset.chosen) { outlineCell(map, cellLayer.cells.find((cell) => cell.name === canvas.dataset.chosen)); }
    if (maker.months) { maker.months({ remember, load: maker.load, layer: canvas.dataset.layer }); }
    if (maker.area) { maker.area(map, { fetched }); }
    canvas.dataset.ready = 'yes';
  };
}());
