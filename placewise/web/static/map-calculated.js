/* Layers that a worker has calculated: emerging kinds as lettered cells, clusters as numbered circles.
   Part of the hotspot map; see map.js. */
(function () {
  'use strict';

  const maker = window.placewiseMap = window.placewiseMap || {};
  const INK = '#0b0c0c';

  /* Cells of the emerging view in the form that the cell layer draws: a letter and a colour instead of a count, and
     round those that shared points make up the same dashes as in the other views. */
  maker.emergingCells = function emergingCells(layer) {
    const zeros = layer.q.map(() => 0);
    const looks = layer.look.map((k) => layer.looks[k]);
    const cells = maker.cellsOf({ ...layer, count: layer.records, verdict: layer.shared.map((by) => (by ? maker.SHARED : 0)), shade: zeros, text: looks.map((look) => look.letter) });
    return cells.map((cell, k) => ({ ...cell, paint: looks[k] }));
  };

  /* Circles in metres with their numbers; each says in words what the table says. */
  maker.circlesOf = function circlesOf(layer) {
    return layer.circles.flatMap((one) => {
      const number = document.createElement('span');
      number.className = 'pw-cluster__number';
      number.textContent = one.number;
      const at = [one.lat, one.lon];
      const circle = L.circle(at, { radius: one.radius_m, interactive: false, color: INK, weight: 3, dashArray: one.shared ? '7 7' : null, fillColor: '#b35806', fillOpacity: 0.25 });
      const halo = L.circle(at, { radius: one.radius_m, interactive: false, color: '#ffffff', weight: 7, fill: false });
      const label = L.marker(at, { interactive: false, keyboard: false, pane: 'clusters', icon: L.divIcon({ className: 'pw-cluster', iconSize: [30, 30], html: number }) });
      return [halo, circle, label];
    });
  };
}());
