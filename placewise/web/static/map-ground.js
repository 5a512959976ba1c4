/* The ground beneath the records: the partnership's own vector tiles, drawn on canvas by protomaps-leaflet.
   Part of the hotspot map; see map.js. */
(function () {
  'use strict';

  const COLOURS = {
    land: '#f7f6f3', outside: '#eceae6', park: '#dcebd3', water: '#bcd9ea', railway: '#8b8f92',
    main: '#ffffff', minor: '#ffffff', path: '#cfc9bd', casing: '#d3cfc7', site: '#6f777b', text: '#383f43', halo: '#ffffff',
  };
  const SITES = ['school', 'station', 'shop', 'health', 'youth', 'police_station'];
  const FONT = 'Arial, Helvetica, sans-serif';

  const kind = (...kinds) => (zoom, feature) => kinds.includes(feature.props.kind);
  // Width in pixels that doubles with each two zooms.
  const growing = (atFourteen) => (zoom) => Math.max(0.5, atFourteen * 2 ** ((zoom - 14) / 2));

  function paintRules(P) {
    const fill = (colour) => new P.PolygonSymbolizer({ fill: colour });
    const line = (colour, width, dash) => new P.LineSymbolizer({ color: colour, width: growing(width), dash });
    return [
      { dataLayer: 'land', symbolizer: fill(COLOURS.land) },
      { dataLayer: 'feature', filter: kind('park'), symbolizer: fill(COLOURS.park) },
      { dataLayer: 'feature', filter: kind('water'), symbolizer: fill(COLOURS.water) },
      { dataLayer: 'feature', filter: kind('water'), symbolizer: line(COLOURS.water, 2) },
      { dataLayer: 'street', filter: kind('path'), minzoom: 14, symbolizer: line(COLOURS.path, 1, [3, 2]) },
      { dataLayer: 'street', filter: kind('minor'), symbolizer: line(COLOURS.casing, 3.4) },
      { dataLayer: 'street', filter: kind('main'), symbolizer: line(COLOURS.casing, 7) },
      { dataLayer: 'street', filter: kind('minor'), symbolizer: line(COLOURS.minor, 2) },
      { dataLayer: 'street', filter: kind('main'), symbolizer: line(COLOURS.main, 5) },
      { dataLayer: 'feature', filter: kind('railway'), symbolizer: line(COLOURS.railway, 1.6) },
      { dataLayer: 'feature', filter: kind(...SITES), minzoom: 15,
        symbolizer: new P.CircleSymbolizer({ radius: 3, fill: COLOURS.site, stroke: COLOURS.halo, width: 1 }) },
    ];
  }

  function labelRules(P) {
    const words = { labelProps: ['name'], fill: COLOURS.text, stroke: COLOURS.halo, width: 3 };
    return [
      { dataLayer: 'feature', filter: kind('station'), minzoom: 13,
        symbolizer: new P.OffsetTextSymbolizer({ ...words, offsetX: 6, font: `600 12px ${FONT}` }) },
      { dataLayer: 'label', symbolizer: new P.CenteredTextSymbolizer({ ...words, fill: '#4c5357', font: `italic 14px ${FONT}` }) },
      { dataLayer: 'street', filter: kind('main'), minzoom: 14,
        symbolizer: new P.LineLabelSymbolizer({ ...words, font: `12px ${FONT}` }) },
      { dataLayer: 'street', filter: kind('minor'), minzoom: 16,
        symbolizer: new P.LineLabelSymbolizer({ ...words, font: `12px ${FONT}` }) },
      { dataLayer: 'feature', filter: kind('park', 'school', 'health', 'youth'), minzoom: 16,
        symbolizer: new P.OffsetTextSymbolizer({ ...words, offsetX: 6, font: `12px ${FONT}` }) },
    ];
  }

  // Names lie above the cells, or they could not be read; both layers draw from one set of fetched tiles.
  const NAMES_PANE = 'names';
  let ground;

  function layer(map, rules) {
    const address = map.getContainer().closest('[data-tiles]').dataset.tiles;
    return window.protomapsL.leafletLayer({ url: address, maxDataZoom: 16, attribution: '', paintRules: [], labelRules: [], ...rules });
  }

  window.placewiseMap = window.placewiseMap || {};

  window.placewiseMap.baseMap = function baseMap(map) {
    ground = layer(map, {
      backgroundColor: COLOURS.outside,
      paintRules: paintRules(window.protomapsL),
    });
    return ground;
  };

  window.placewiseMap.names = function names(map) {
    const pane = map.createPane(NAMES_PANE);
    pane.style.zIndex = 450; // above the cells and outlines (400), below the places (600)
    pane.style.pointerEvents = 'none';
    const above = layer(map, { pane: NAMES_PANE, labelRules: labelRules(window.protomapsL) });
    above.views = ground.views;
    return above;
  };
}());
