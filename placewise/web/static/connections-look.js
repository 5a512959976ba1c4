/* How the connections picture looks: shape, colour, letter and line for each kind of node and link. */

export const KINDS = {
  child: { word: 'child', letter: 'C', shape: 'ellipse', wide: 1, big: 1 },
  adult: { word: 'adult of concern', letter: 'A', shape: 'diamond', wide: 1, big: 1.3 },
  group: { word: 'peer group', letter: 'G', shape: 'hexagon', wide: 1.15, big: 1.3 },
  place: { word: 'place', letter: 'P', shape: 'rectangle', wide: 1, big: 1 },
};
const DASHES = { known: null, probable: [9, 5], possible: [2.5, 4] }; // Cytoscape's own dots run together
export const NODE_PX = 20;
const LABEL_PX = 13;

/** Colours come from the style sheet, so that key and picture cannot differ. */
export function palette(container) {
  const probe = container.appendChild(document.createElement('span'));
  const styles = getComputedStyle(container);
  const colour = (name) => {
    probe.style.color = styles.getPropertyValue(`--pw-${name}`).trim();
    return getComputedStyle(probe).color;
  };
  const names = ['child', 'adult', 'group', 'place', 'on-mark', 'link', 'link-expired', 'ink', 'paper', 'selected'];
  const colours = Object.fromEntries(names.map((name) => [name, colour(name)]));
  probe.remove();
  return colours;
}

function letterImage(letter, colour) {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="48" height="48" viewBox="0 0 48 48"><text x="24" y="33" ` +
    `text-anchor="middle" font-family="Arial, Helvetica, sans-serif" font-weight="bold" font-size="26" fill="${colour}">${letter}</text></svg>`;
  return `data:image/svg+xml;utf8,${encodeURIComponent(svg)}`;
}

export function stylesheet(colours, px, size) {
  const kinds = Object.entries(KINDS).map(([kind, look]) => ({
    selector: `node[kind = "${kind}"]`,
    style: {
      shape: look.shape,
      width: () => size() * look.big * look.wide,
      height: () => size() * look.big,
      'background-color': colours[kind],
      'background-image': letterImage(look.letter, colours['on-mark']),
    },
  }));
  const lines = Object.entries(DASHES).filter(([, dash]) => dash).map(([strength, dash]) => ({
    selector: `edge[strength = "${strength}"]`,
    style: { 'line-style': 'dashed', 'line-dash-pattern': () => dash.map(px) },
  }));
  return [
    {
      selector: 'node',
      style: {
        label: 'data(label)', color: colours.ink, 'font-family': 'Arial, Helvetica, sans-serif',
        'font-size': () => px(LABEL_PX), 'text-valign': 'bottom', 'text-margin-y': () => px(3),
        'text-background-color': colours.paper, 'text-background-opacity': 0.85, 'text-background-padding': () => px(1),
        'background-width': '100%', 'background-height': '100%', 'background-fit': 'contain',
        'background-image-containment': 'over', 'border-width': () => px(1), 'border-color': colours.ink,
      },
    },
    ...kinds,
    { selector: 'node[kind = "group"], node[?start]', style: { 'z-index': 2 } },
    {
      selector: 'node[?start]',
      style: { 'border-width': () => px(4), 'font-weight': 'bold', 'font-size': () => px(LABEL_PX + 2) },
    },
    {
      selector: 'edge',
      style: { width: () => px(2), 'line-color': colours.link, 'curve-style': 'straight' },
    },
    ...lines,
    { selector: 'edge[?expired]', style: { width: () => px(1), 'line-color': colours['link-expired'] } },
    { selector: '.unlabelled', style: { 'text-opacity': 0, 'text-background-opacity': 0 } },
    { selector: 'node.faded', style: { opacity: 0.45 } },
    { selector: 'edge.faded', style: { opacity: 0.25 } },
    {
      selector: 'edge.lit',
      style: { width: () => px(4), 'line-color': colours.ink, 'z-index': 5 },
    },
    { selector: 'edge.lit[?expired]', style: { width: () => px(2), 'line-color': colours['link-expired'] } },
    {
      selector: 'edge.lit[count > 1]',
      style: {
        label: 'data(times)', color: colours.ink, 'font-size': () => px(LABEL_PX), 'font-weight': 'bold',
        'text-background-color': colours.paper, 'text-background-opacity': 1, 'text-background-padding': () => px(2),
      },
    },
    {
      selector: 'node.selected',
      style: {
        'border-width': () => px(3), 'border-color': colours.ink, 'underlay-color': colours.selected,
        'underlay-opacity': 1, 'underlay-padding': () => px(7), 'underlay-shape': 'ellipse', 'z-index': 10, 'font-weight': 'bold',
      },
    },
  ];
}
