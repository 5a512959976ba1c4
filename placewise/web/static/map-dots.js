/* Dots over the hotspot map: how many records on each small square, drawn at the square's middle.
   Counts come by tile from this server (web/hotspot_dots.py) for the page that is open; every record is in one of them,
   on every zoom. What was fetched is kept in this page alone. Part of the hotspot map, see map.js. */
(function () {
  'use strict';

  const TILE_PX = 256;
  const MOST_PX = 22;
  const SPILL_PX = 12; // half of the largest dot and its edge: dots at a tile's edge are drawn whole
  const MOST_KEPT = 600; // tiles, some kilobytes each
  const AT_ONCE = 2; // questions under way; the first makes the server read, and others would only wait there
  const LEAST_PX = 4; // narrower ones are not seen
  const PANE = 'dots';
  const INK = '#0b0c0c';
  const PAPER = '#ffffff';

  /* The area of a dot stands for its records; the largest on a zoom is the same in every tile and month.
     Where records are everywhere, dots stay about as small as their squares, as in a printed picture. */
  function widthOf(count, { side, highest, crowded }) {
    const largest = Math.min(MOST_PX, crowded ? 2 * (TILE_PX / side) : 6 + 2 * Math.sqrt(highest));
    return Math.max(crowded ? 1 : LEAST_PX, largest * Math.sqrt(count / highest));
  }

  /* Answers by address: each is asked for once, few at a time. */
  function asker(fetched) {
    const known = new Map();
    const waiting = [];
    let underWay = 0;
    function next() {
      if (underWay >= AT_ONCE || !waiting.length) { return; }
      const { address, resolve, reject } = waiting.pop(); // the newest first: it is on the screen
      underWay += 1;
      fetched(address).then(resolve, (problem) => { known.delete(address); reject(problem); })
        .finally(() => { underWay -= 1; next(); });
      next();
    }
    return function ask(address) {
      if (!known.has(address)) {
        known.set(address, new Promise((resolve, reject) => { waiting.push({ address, resolve, reject }); }));
        if (known.size > MOST_KEPT) { known.delete(known.keys().next().value); }
        next();
      }
      return known.get(address);
    };
  }

  /* A circle a square: largest first, so that none lies hidden under another. */
  function drawOn(canvas, tile) {
    const { side, square, count, crowded } = tile;
    const scale = window.devicePixelRatio || 1;
    const whole = TILE_PX + 2 * SPILL_PX;
    const plain = !window.matchMedia('(forced-colors: active)').matches;
    canvas.width = whole * scale;
    canvas.height = whole * scale;
    const pen = canvas.getContext('2d');
    pen.scale(scale, scale);
    pen.translate(SPILL_PX, SPILL_PX);
    const px = TILE_PX / side;
    const disc = (k, width, colour) => {
      pen.beginPath();
      pen.arc(((square[k] % side) + 0.5) * px, (Math.floor(square[k] / side) + 0.5) * px, width / 2, 0, 2 * Math.PI);
      pen.fillStyle = colour;
      pen.fill();
    };
    [...square.keys()].sort((a, b) => count[b] - count[a]).forEach((k) => {
      const width = widthOf(count[k], tile);
      disc(k, width + (crowded ? 0.5 : 1.5), plain ? PAPER : 'Canvas');
      disc(k, width, plain ? INK : 'CanvasText');
    });
  }

  /* What three dots of this zoom stand for. */
  function fillKey(list, tile) {
    const { highest } = tile;
    const examples = [...new Set([1, Math.ceil(highest / 4), highest])].filter((count) => count > 0 && count <= highest);
    list.replaceChildren(...examples.map((count) => {
      const item = document.createElement('li');
      const room = document.createElement('span');
      const mark = document.createElement('span');
      const width = `${widthOf(count, tile)}px`;
      item.className = 'pw-legend__item';
      room.className = 'pw-dots__room';
      mark.className = 'pw-dots__mark';
      room.setAttribute('aria-hidden', 'true');
      Object.assign(mark.style, { width, height: width });
      room.append(mark);
      item.append(room, `${count.toLocaleString('en-GB')} ${count === 1 ? 'record' : 'records'}`);
      return item;
    }));
  }

  const DotLayer = L.GridLayer.extend({
    initialize({ address, ask, onTile, onProblem }) {
      L.GridLayer.prototype.initialize.call(this, { pane: PANE, noWrap: true, updateWhenZooming: false });
      Object.assign(this, { _address: address, _ask: ask, _onTile: onTile, _onProblem: onProblem, _month: null });
    },

    /* Records of one month, or of the whole period. */
    show(month) {
      if (month === this._month) { return; }
      this._month = month;
      if (this._map) { this.redraw(); }
    },

    createTile(coords, done) {
      const box = document.createElement('div');
      const canvas = document.createElement('canvas');
      const month = this._month;
      box.setAttribute('aria-hidden', 'true');
      box.className = 'pw-dots-tile';
      Object.assign(canvas.style, { position: 'absolute', left: `-${SPILL_PX}px`, top: `-${SPILL_PX}px`, width: `${TILE_PX + 2 * SPILL_PX}px`, height: `${TILE_PX + 2 * SPILL_PX}px` });
      box.append(canvas);
      this._ask(this._addressOf(coords)).then((tile) => {
        drawOn(canvas, tile);
        if (this._map && month === this._month && coords.z === this._map.getZoom()) { this._onTile(tile); }
        done(null, box);
      }, (problem) => {
        if (this._map && month === this._month) { this._onProblem(problem); }
        done(problem, box);
      });
      return box;
    },

    _addressOf({ x, y, z }) {
      const address = this._address.replace('{z}', z).replace('{x}', x).replace('{y}', y);
      return this._month ? `${address}&month=${encodeURIComponent(this._month)}` : address;
    },
  });

  window.placewiseMap = window.placewiseMap || {};
  window.placewiseMap.dots = function dots(map, { fetched, say }) {
    const canvas = map.getContainer().closest('[data-dots]');
    const key = document.querySelector('[data-dots-key]');
    const examples = document.querySelector('[data-dots-examples]');
    const total = document.querySelector('[data-dots-total]');
    const pane = map.createPane(PANE);
    pane.style.zIndex = 420; // above the cells and outlines (400), below the names (450)
    pane.style.pointerEvents = 'none';
    const layer = new DotLayer({
      address: canvas.dataset.dots,
      ask: asker(fetched),
      onTile(tile) {
        const { n } = tile;
        total.textContent = `${n.toLocaleString('en-GB')} ${n === 1 ? 'record' : 'records'} on the map.`;
        fillKey(examples, tile);
      },
      onProblem(problem) {
        total.textContent = `The dots could not be shown. ${problem.message}`;
        say(total.textContent);
      },
    });
    layer.show(new URLSearchParams(window.location.search).get('month'));
    window.matchMedia('(forced-colors: active)').addEventListener('change', () => { if (layer._map) { layer.redraw(); } });
    return {
      toggle(shown) {
        key.hidden = !shown;
        if (shown) { layer.addTo(map); } else { layer.remove(); }
      },
      follow(month) { layer.show(month); },
    };
  };
}());
