/* The main layer: hexagonal or square cells on canvas tiles, or the bands of the density surface.
   Cells and bands come as whole numbers on a lattice of the National Grid; a short polynomial from the server
   (panel/hotspot_layers.py, Projection) turns them into longitude and latitude. Part of the hotspot map; see map.js. */
(function () {
  'use strict';

  const TOO_FEW = 2;
  const STANDS_OUT = 1;
  const SHARED = 3; // stands out, but only because records known roughly share one point
  // One hue from light to dark: told apart by the colour-blind, and in grey.
  const SHADES = ['#dfd6ec', '#bfa9dc', '#9675bf', '#6a4397', '#3d1766'];
  const INK = '#0b0c0c';
  const TILE_PX = 256;
  const DOTS_BELOW_ZOOM = 9; // only a map of far-apart records can be zoomed out so far (web/maps.py)
  const DOT_PX = 3;
  const LETTER_FROM_PX = 15;
  const NUMBER_FROM_PX = 30; // a cell narrower than this has no room for its number
  /* What a cell looks like on its lattice: its corners and centre in metres from (q, r) and the width, the neighbour
     (q, r) across the side that runs from each corner to the next, and its width over the distance to a corner. */
  const HEXAGON_CORNERS = [[0, -2], [1, -1], [1, 1], [0, 2], [-1, 1], [-1, -1]]; // half widths, half sides
  const SQUARE_CORNERS = [[0, 0], [1, 0], [1, 1], [0, 1]];
  const SHAPES = {
    hexagons: {
      spot: (q, r, width, [a, b]) => [(2 * q + r + a) * (width / 2), (3 * r + b) * (width / Math.sqrt(3) / 2)],
      corners: HEXAGON_CORNERS,
      middle: [0, 0],
      across: [[1, -1], [1, 0], [0, 1], [-1, 1], [-1, 0], [0, -1]],
      wide: Math.sqrt(3),
    },
    squares: {
      spot: (q, r, width, [a, b]) => [(q + a) * width, (r + b) * width],
      corners: SQUARE_CORNERS,
      middle: [0.5, 0.5],
      across: [[0, -1], [1, 0], [0, 1], [-1, 0]],
      wide: Math.sqrt(2),
    },
  };
  const CELLS_A_LINE = 14; // the outline of what stands out is this much thinner than a cell is wide

  // --- From the National Grid to the map ------------------------------------------------------------

  function projector(projection) {
    const powers = [];
    for (let i = 0; i < 5; i += 1) { for (let j = 0; j < 5 - i; j += 1) { powers.push([i, j]); } }
    return function place(x, y) {
      const u = (x - projection.x_m) / projection.scale_m;
      const v = (y - projection.y_m) / projection.scale_m;
      let lon = 0;
      let lat = 0;
      powers.forEach(([i, j], k) => {
        const term = u ** i * v ** j;
        lon += projection.lon[k] * term;
        lat += projection.lat[k] * term;
      });
      return L.latLng(lat, lon);
    };
  }

  function cellsOf(layer) {
    const place = projector(layer.projection);
    const shape = SHAPES[layer.shape || 'hexagons'];
    const verdicts = new Map(layer.q.map((q, k) => [`${q}.${layer.r[k]}`, layer.verdict[k]]));
    /* Sides on the outer line of neighbouring cells that stand out: only these are drawn, or the lines hide the map. */
    function outerSides(q, r, verdict) {
      if (verdict !== STANDS_OUT && verdict !== SHARED) { return []; }
      return shape.across.flatMap(([dq, dr], side) => {
        const beyond = verdicts.get(`${q + dq}.${r + dr}`);
        return beyond === verdict || beyond === STANDS_OUT ? [] : [side];
      });
    }
    return layer.q.map((q, k) => {
      const r = layer.r[k];
      const at = (offset) => place(...shape.spot(q, r, layer.width_m, offset));
      const corners = shape.corners.map(at);
      const centre = at(shape.middle);
      return { name: `${q}.${r}`, corners, centre, count: layer.count[k], text: layer.text ? layer.text[k] : layer.count[k].toLocaleString('en-GB'), shade: layer.shade[k], verdict: layer.verdict[k], outer: outerSides(q, r, layer.verdict[k]) };
    });
  }

  // --- Cells on canvas -----------------------------------------------------------------------------

  /* A cell's width in pixels. */
  function widthOf({ corners, centre }) { return corners[0].distanceTo(centre) * (corners.length === 4 ? SHAPES.squares : SHAPES.hexagons).wide; }

  function hatch(context) {
    const tile = document.createElement('canvas');
    tile.width = 8;
    tile.height = 8;
    const pen = tile.getContext('2d');
    pen.strokeStyle = '#6f777b';
    pen.lineWidth = 1;
    pen.beginPath();
    pen.moveTo(-2, 10); pen.lineTo(10, -2); pen.moveTo(-2, 2); pen.lineTo(2, -2); pen.moveTo(6, 10); pen.lineTo(10, 6);
    pen.stroke();
    return context.createPattern(tile, 'repeat');
  }

  const CellLayer = L.GridLayer.extend({
    initialize(options) {
      L.GridLayer.prototype.initialize.call(this, { pane: 'overlayPane', updateWhenZooming: false, ...options });
      this.cells = [];
      this._pixels = new Map();
    },

    show(cells, view) {
      this.cells = cells;
      this.view = view;
      this._pixels.clear();
      if (this._map) { this.redraw(); }
    },

    /* Corners and centre of every cell in the pixels of one zoom; worked out once a zoom. */
    pixels(zoom) {
      if (!this._pixels.has(zoom)) {
        const at = (point) => this._map.project(point, zoom);
        this._pixels.set(zoom, this.cells.map((cell) => ({ corners: cell.corners.map(at), centre: at(cell.centre) })));
      }
      return this._pixels.get(zoom);
    },

    createTile(coords) {
      const canvas = document.createElement('canvas');
      const scale = window.devicePixelRatio || 1;
      canvas.width = TILE_PX * scale;
      canvas.height = TILE_PX * scale;
      canvas.setAttribute('aria-hidden', 'true');
      const pen = canvas.getContext('2d');
      pen.scale(scale, scale);
      pen.translate(-coords.x * TILE_PX, -coords.y * TILE_PX);
      const inside = this.pixels(coords.z).map((place, k) => ({ place, cell: this.cells[k] })).filter(({ place }) => {
        const reach = place.corners[0].distanceTo(place.centre) + 2;
        const x = place.centre.x - coords.x * TILE_PX;
        const y = place.centre.y - coords.y * TILE_PX;
        return x > -reach && y > -reach && x < TILE_PX + reach && y < TILE_PX + reach;
      });
      if (coords.z < DOTS_BELOW_ZOOM) {
        inside.sort((a, b) => a.cell.count - b.cell.count).forEach(({ place, cell }) => this._dot(pen, place, cell));
        return canvas;
      }
      inside.forEach(({ place, cell }) => this._draw(pen, place, cell));
      inside.forEach(({ place, cell }) => this._edge(pen, place, cell));
      inside.forEach(({ place, cell }) => this._number(pen, place, cell));
      return canvas;
    },

    _outline(pen, place) {
      pen.beginPath();
      place.corners.forEach((p, i) => (i ? pen.lineTo(p.x, p.y) : pen.moveTo(p.x, p.y)));
      pen.closePath();
    },

    _edge(pen, place, cell) {
      const { corners } = place;
      if (!cell.outer.length) { return; }
      pen.beginPath();
      cell.outer.forEach((side) => {
        const end = corners[(side + 1) % corners.length];
        pen.moveTo(corners[side].x, corners[side].y);
        pen.lineTo(end.x, end.y);
      });
      pen.strokeStyle = INK;
      pen.lineWidth = Math.min(2.5, Math.max(0.75, widthOf(place) / CELLS_A_LINE));
      pen.lineCap = 'round';
      pen.setLineDash(cell.verdict === SHARED ? [pen.lineWidth * 2, pen.lineWidth * 2.5] : []);
      pen.stroke();
      pen.setLineDash([]);
    },

    /* From so far away that a cell is a speck, it is drawn as a dot: records of another city must be seen. */
    _dot(pen, { centre }, cell) {
      const look = this._look(cell);
      pen.fillStyle = look.hatched ? look.edge : look.fill;
      pen.fillRect(centre.x - DOT_PX / 2, centre.y - DOT_PX / 2, DOT_PX, DOT_PX);
    },

    _draw(pen, place, cell) {
      this._outline(pen, place);
      const look = this._look(cell);
      pen.globalAlpha = look.alpha;
      pen.fillStyle = look.hatched ? hatch(pen) : look.fill;
      pen.fill();
      pen.globalAlpha = 1;
      pen.strokeStyle = look.edge;
      pen.lineWidth = Math.min(look.width, widthOf(place) / CELLS_A_LINE); // or the gaps bleach small cells
      pen.setLineDash(look.hatched ? [4, 3] : []);
      pen.stroke();
      pen.setLineDash([]);
    },

    _look(cell) {
      if (cell.paint && cell.paint.look !== 'too-few') { return { fill: cell.paint.colour, alpha: 0.85, edge: '#ffffff', width: 1, dark: cell.paint.ink === '#ffffff' }; }
      if (cell.verdict === TOO_FEW || (cell.paint && cell.paint.look === 'too-few')) { return { hatched: true, alpha: 0.55, edge: '#6f777b', width: 1, dark: false }; }
      if (this.view === 'significance') {
        if (cell.verdict === SHARED) { return { fill: SHADES[1], alpha: 0.7, edge: '#ffffff', width: 1, dark: false }; }
        return cell.verdict === STANDS_OUT
          ? { fill: SHADES[3], alpha: 0.78, edge: '#ffffff', width: 1, dark: true }
          : { fill: '#ffffff', alpha: 0.55, edge: '#8a9499', width: 1, dark: false };
      }
      if (cell.text === '0') { return { fill: '#ffffff', alpha: 0.25, edge: '#8a9499', width: 1, dark: false }; }
      return { fill: SHADES[cell.shade - 1], alpha: 0.8, edge: '#ffffff', width: 1, dark: cell.shade >= 3 };
    },

    _number(pen, { corners, centre }, cell) {
      if (widthOf({ corners, centre }) < (cell.paint ? LETTER_FROM_PX : NUMBER_FROM_PX)) { return; }
      const look = this._look(cell);
      pen.font = 'bold 12px Arial, Helvetica, sans-serif';
      pen.textAlign = 'center';
      pen.textBaseline = 'middle';
      pen.lineWidth = 3;
      pen.strokeStyle = !look.dark ? '#ffffff' : cell.paint ? look.fill : SHADES[4];
      pen.lineJoin = 'round';
      pen.strokeText(cell.text, centre.x, centre.y);
      pen.fillStyle = look.dark ? '#ffffff' : INK;
      pen.fillText(cell.text, centre.x, centre.y);
    },

    /* The drawn cell at a point of the map, or null. */
    at(latlng) {
      if (!this._map || !this.cells.length) { return null; }
      const zoom = this._map.getZoom();
      const here = this._map.project(latlng, zoom);
      let nearest = null;
      let least = Infinity;
      this.pixels(zoom).forEach((place, k) => {
        const distance = here.distanceTo(place.centre);
        if (distance < least) { least = distance; nearest = { cell: this.cells[k], reach: place.corners[0].distanceTo(place.centre) }; }
      });
      return nearest && least <= nearest.reach ? nearest.cell : null;
    },
  });

  // --- Bands of the density surface -------------------------------------------------------------

  function bandsOf(layer) {
    if (!layer.bands.length) { return []; }
    const place = projector(layer.projection);
    const ring = (flat) => {
      const points = [];
      for (let k = 0; k < flat.length; k += 2) { points.push(place(layer.x_m + flat[k] * layer.cell_m, layer.y_m + flat[k + 1] * layer.cell_m)); }
      return points;
    };
    return layer.bands.map((band) => L.polygon(band.polygons.map((rings) => rings.map(ring)), {
      interactive: false, stroke: false, fillColor: SHADES[band.shade - 1], fillOpacity: 0.8,
    }));
  }

  window.placewiseMap = window.placewiseMap || {};
  window.placewiseMap.CellLayer = CellLayer;
  window.placewiseMap.SHARED = SHARED;
  window.placewiseMap.cellsOf = cellsOf;
  window.placewiseMap.bandsOf = bandsOf;
}());
