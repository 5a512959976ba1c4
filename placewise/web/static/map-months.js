/* The time slider of the hotspot map: one month at a time through the period, by hand or by itself.
   Each month is fetched from this server once; part of the hotspot map, see map.js. */
(function () {
  'use strict';

  const PAUSE_MS = 1400;
  const WAIT_MS = 180; // a drag passes over months nobody wants to see

  window.placewiseMap = window.placewiseMap || {};
  window.placewiseMap.months = function months({ remember, load, layer }) {
    const box = document.getElementById('months');
    const names = JSON.parse(box.dataset.months);
    if (names.length < 2) { return; }
    const range = box.querySelector('input');
    const play = box.querySelector('[data-months-play]');
    const whole = box.querySelector('[data-months-whole]');
    const output = box.querySelector('[data-months-name]');
    const note = document.querySelector('[data-table-note]');
    const still = window.matchMedia('(prefers-reduced-motion: reduce)');
    let playing = null;
    let waiting = null;

    function address(month) {
      const made = new URL(layer, window.location.href);
      made.searchParams.delete('month');
      if (month) { made.searchParams.set('month', month); }
      return made;
    }

    function named(name) {
      output.textContent = name;
      range.setAttribute('aria-valuetext', name);
    }

    /* Until the map and its words follow, the name says that it is loading (map.css). */
    async function follow(month, name) {
      output.setAttribute('aria-busy', 'true');
      const shown = await load(address(month));
      if (shown === undefined) { return; } // another month was asked for meanwhile
      output.setAttribute('aria-busy', 'false');
      if (shown === null) { output.textContent = `${name}: could not be shown`; }
    }

    function label(index) {
      named(names[index][1]);
      whole.hidden = false;
      note.hidden = false;
    }

    async function show(index) {
      range.value = index;
      label(index);
      remember({ month: names[index][0] });
      await follow(...names[index]);
    }

    async function showWhole() {
      stop();
      named('Whole period');
      whole.hidden = true;
      note.hidden = true;
      remember({ month: null });
      await follow(null, 'Whole period');
      range.focus();
    }

    function stop() {
      window.clearTimeout(playing);
      window.clearTimeout(waiting);
      playing = null;
      play.textContent = 'Play';
      play.setAttribute('aria-pressed', 'false');
    }

    async function step(index) {
      await show(index);
      if (playing === null) { return; }
      if (index + 1 < names.length) { playing = window.setTimeout(() => step(index + 1), PAUSE_MS); } else { stop(); }
    }

    play.addEventListener('click', () => {
      if (playing !== null) { stop(); return; }
      play.textContent = 'Pause';
      play.setAttribute('aria-pressed', 'true');
      const at = Number(range.value);
      playing = window.setTimeout(() => step(whole.hidden || at === names.length - 1 ? 0 : at + 1), 0);
    });
    range.addEventListener('input', () => {
      stop();
      label(Number(range.value));
      output.setAttribute('aria-busy', 'true');
      waiting = window.setTimeout(() => show(Number(range.value)), WAIT_MS);
    });
    box.querySelectorAll('[data-months-step]').forEach((button) => button.addEventListener('click', () => {
      stop();
      const from = whole.hidden && Number(button.dataset.monthsStep) > 0 ? -1 : Number(range.value) + (whole.hidden ? 1 : 0);
      const to = from + Number(button.dataset.monthsStep);
      if (to >= 0 && to < names.length) { show(to); }
    }));
    whole.addEventListener('click', showWhole);
    document.addEventListener('keydown', (event) => { if (event.key === 'Escape' && playing !== null) { stop(); } });

    // Those who ask for less motion step by hand.
    const hidePlay = () => { play.hidden = still.matches; };
    still.addEventListener('change', hidePlay);
    hidePlay();
    box.hidden = false;
    const chosen = names.findIndex(([month]) => month === box.dataset.month);
    range.setAttribute('aria-valuetext', 'Whole period');
    if (chosen >= 0) { range.value = chosen; label(chosen); note.hidden = true; }
  };
}());
