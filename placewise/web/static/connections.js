/* The connections picture: draws what the server computed, walks it by keyboard, keeps it and the table together.

   <div class="pw-network" id="connections" aria-label="Connections of Group K" aria-describedby="connections-keys"
        data-url="/…/picture.json"      where the picture comes from
        data-status="connections-status"   id of the live line (role="status")
        data-href="/{kind}s/{id}"       a node's page; data-href-child, -adult, -group, -place override it
   ></div>
   <button data-network-action="zoom-in | zoom-out | fit | clear">
   Any element with data-node-id="…" (a row, or a cell of a link's row) is lit with its node, and selects it when clicked.

   The container emits "network:select" (detail: {id, kind}; id null when cleared). Loaded as a module after
   /static/vendor/cytoscape/cytoscape.js; connections.css says how the style sheet must be linked. */

import { KINDS, NODE_PX, palette, stylesheet } from './connections-look.js';

const KIND_ORDER = ['group', 'place', 'adult', 'child'];
const ARROWS = { ArrowRight: 0, ArrowDown: Math.PI / 2, ArrowLeft: Math.PI, ArrowUp: -Math.PI / 2 };
const WIDEST_TURN = Math.PI / 3; // a neighbour further off than this does not lie "that way"
const NAMED_AT_ONCE = 6; // neighbours read out before "and n more"
const CROWD = 80; // with more nodes than this, only what is near the selected one is labelled

// --- Words ------------------------------------------------------------------------------------

function plural(count, one) {
  return `${count} ${one}${count === 1 ? '' : 's'}`;
}

function kindOrder(node) {
  return KIND_ORDER.indexOf(node.data('kind'));
}

function describe(node) {
  const edges = node.connectedEdges();
  const standing = edges.filter((edge) => !edge.data('expired'));
  const links = standing.reduce((sum, edge) => sum + edge.data('count'), 0);
  const others = standing.connectedNodes().not(node).toArray();
  const names = others.sort((a, b) => kindOrder(a) - kindOrder(b) || a.data('label').localeCompare(b.data('label')))
    .map((other) => other.data('label'));
  const more = names.length - NAMED_AT_ONCE;
  const list = names.slice(0, NAMED_AT_ONCE).join(', ') + (more > 0 ? ` and ${more} more` : '');
  const expired = edges.length - standing.length;
  const old = expired ? ` ${plural(expired, 'expired connection')} not counted.` : '';
  const detail = node.data('detail') ? ` ${node.data('detail')}.` : '';
  return `${node.data('label')}, ${KINDS[node.data('kind')].word}, ${plural(links, 'link')}${list ? `: ${list}` : ''}.${detail}${old}`;
}

function readLink(edge, from, to) {
  const data = edge.data();
  const state = data.expired ? 'expired' : data.strength;
  const what = data.summary || `${data.types.join(', ')}, ${state}`;
  return `${from.data('label')} to ${to.data('label')}: ${what.replace(/\.$/, '')}. `;
}

// --- Elements -------------------------------------------------------------------------------------

function elements(picture) {
  const nodes = picture.nodes.map(({ id, kind, label, detail, x, y, start }) => ({
    group: 'nodes', data: { id, kind, label, detail, start: Boolean(start) }, position: { x, y },
  }));
  const edges = picture.links.map((link) => ({
    group: 'edges', data: { ...link, id: `link ${link.id}`, times: `${link.count} links` },
  }));
  return [...nodes, ...edges];
}

function closestDistance(nodes) {
  let least = Infinity;
  nodes.forEach((a, i) => nodes.slice(i + 1).forEach((b) => { least = Math.min(least, Math.hypot(a.x - b.x, a.y - b.y)); }));
  return least;
}

function overlaps(a, b) {
  return a.x1 < b.x2 && b.x1 < a.x2 && a.y1 < b.y2 && b.y1 < a.y2;
}

// --- The picture ------------------------------------------------------------------------------------

class Picture {
  constructor(container, picture) {
    this.container = container;
    this.status = document.getElementById(container.dataset.status);
    this.current = null; // the selected node
    this.spoke = null; // the node whose links Page Up and Page Down turn through
    this.fitted = true; // until somebody zooms or moves it
    this.cy = window.cytoscape({
      container, elements: elements(picture), layout: { name: 'preset', fit: false }, boxSelectionEnabled: false,
      autoungrabify: true, autounselectify: true, minZoom: 0.1, maxZoom: 4, style: [],
    });
    this.closest = closestDistance(picture.nodes);
    this.restyle();
    this.fit();
    this.listen();
  }

  /** Lengths on the screen stay the same at any zoom, so that a narrow screen can be read too. */
  px(length) {
    return length / Math.max(Math.min(this.cy.zoom(), 1.5), 0.1);
  }

  /** As large as NODE_PX on the screen, or as the closest two nodes allow. */
  nodeSize() {
    return Math.min(this.px(NODE_PX), 0.85 * this.closest);
  }

  restyle() {
    const sheet = stylesheet(palette(this.container), (length) => this.px(length), () => this.nodeSize());
    this.cy.style().fromJson(sheet).update();
    this.label();
  }

  /** Show the labels that fit: the selected node's and its neighbours' first, then contexts, then people. */
  label() {
    const rank = (node) => {
      if (node.hasClass('selected')) return 0;
      if (node.data('start')) return 1;
      return 2 + kindOrder(node) + (this.current && node.hasClass('faded') ? KIND_ORDER.length : 0);
    };
    const mark = (node) => node.boundingBox({ includeLabels: false, includeOverlays: false, includeUnderlays: false });
    const text = (node) => node.boundingBox({ includeNodes: false, includeOverlays: false, includeUnderlays: false });
    const marks = this.cy.nodes().not('.faded').map((node) => ({ node, box: mark(node) }));
    const crowded = this.cy.nodes().length > CROWD;
    const taken = [];
    for (const node of this.cy.nodes().toArray().sort((a, b) => rank(a) - rank(b) || (a.id() < b.id() ? -1 : 1))) {
      node.removeClass('unlabelled');
      const box = text(node);
      const important = rank(node) <= 2 && !node.hasClass('faded'); // may cover a mark, never another label
      const clash = taken.some((other) => overlaps(box, other)) ||
        (!important && marks.some((other) => other.node !== node && overlaps(box, other.box)));
      const crowd = crowded && node.hasClass('faded');
      if (rank(node) > 0 && (clash || crowd)) node.addClass('unlabelled');
      else taken.push(box);
    }
  }

  listen() {
    const { cy, container } = this;
    let waiting = 0;
    cy.on('zoom', () => {
      cancelAnimationFrame(waiting);
      waiting = requestAnimationFrame(() => { cy.style().update(); this.label(); });
    });
    cy.on('scrollzoom pinchzoom dragpan', () => { this.fitted = false; });
    cy.on('tap', 'node', (event) => { container.focus({ preventScroll: true }); this.select(event.target); });
    cy.on('dbltap', 'node', (event) => this.open(event.target));
    cy.on('tap', (event) => { container.focus({ preventScroll: true }); if (event.target === cy) this.clear(); });
    // Until it has the focus the picture leaves wheel and touch to the page, or one could not scroll past it.
    const hold = (on) => { cy.userZoomingEnabled(on); cy.userPanningEnabled(on); };
    hold(document.activeElement === container);
    container.addEventListener('focus', () => hold(true));
    container.addEventListener('blur', () => hold(false));
    container.addEventListener('keydown', (event) => this.key(event));
    new ResizeObserver(() => { cy.resize(); if (this.fitted) this.fit(); }).observe(container);
    window.matchMedia('(forced-colors: active)').addEventListener('change', () => this.restyle());
    document.addEventListener('click', (event) => this.fromPage(event, true));
    document.addEventListener('focusin', (event) => this.fromPage(event, false));
  }

  // --- Keyboard ---

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const acts = {
      Enter: () => this.current && this.open(this.current),
      Escape: () => this.clear(),
      Home: () => this.select(this.starts()),
      PageDown: () => this.turn(1),
      PageUp: () => this.turn(-1),
      '+': () => this.act('zoom-in'),
      '=': () => this.act('zoom-in'),
      '-': () => this.act('zoom-out'),
      0: () => this.act('fit'),
    };
    const act = event.key in ARROWS ? () => this.walk(ARROWS[event.key]) : acts[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  starts() {
    const starts = this.cy.nodes('[?start]');
    return (starts.nonempty() ? starts : this.cy.nodes())[0];
  }

  /** Go to the neighbour that lies most nearly in this direction; say so when there is none. */
  walk(direction) {
    if (!this.current) { this.select(this.starts()); return; }
    const here = this.current.position();
    const found = this.current.neighborhood('node').map((node) => {
      const there = node.position();
      const angle = Math.atan2(there.y - here.y, there.x - here.x) - direction;
      return { node, off: Math.abs(Math.atan2(Math.sin(angle), Math.cos(angle))), far: Math.hypot(there.x - here.x, there.y - here.y) };
    }).filter(({ off }) => off <= WIDEST_TURN).sort((a, b) => a.off - b.off || a.far - b.far)[0];
    if (found) this.step(this.current, found.node);
    else this.say(`No link that way from ${this.current.data('label')}.`);
  }

  /** Go clockwise (or back) through the neighbours of the node last walked from: none is out of reach. */
  turn(by) {
    if (!this.current) { this.select(this.starts()); return; }
    const around = this.spoke || this.current;
    const centre = around.position();
    const angle = (node) => Math.atan2(node.position().y - centre.y, node.position().x - centre.x);
    const ring = around.neighborhood('node').toArray().sort((a, b) => angle(a) - angle(b) || (a.id() < b.id() ? -1 : 1));
    if (!ring.length) { this.say(`${around.data('label')} has no links.`); return; }
    const at = ring.indexOf(this.current);
    const next = at < 0 ? (by > 0 ? 0 : ring.length - 1) : (at + by + ring.length) % ring.length;
    this.step(around, ring[next]);
  }

  step(from, to) {
    this.select(to, { before: readLink(from.edgesWith(to)[0], from, to), spoke: from });
  }

  // --- Selection ---

  select(node, { before = '', spoke = null, silent = false } = {}) {
    const { cy } = this;
    if (!node) return;
    this.current = node;
    this.spoke = spoke;
    const near = node.closedNeighborhood();
    cy.batch(() => {
      cy.elements().removeClass('selected lit').addClass('faded');
      near.removeClass('faded');
      near.edges().addClass('lit');
      node.addClass('selected');
    });
    this.label();
    this.bringIntoView(node);
    this.markRows(node.id());
    if (!silent) this.say(before + describe(node));
    this.emit(node);
  }

  clear() {
    this.current = this.spoke = null;
    this.cy.elements().removeClass('selected lit faded');
    this.label();
    this.markRows(null);
    this.say('Nothing selected.');
    this.emit(null);
  }

  emit(node) {
    const detail = { id: node && node.id(), kind: node && node.data('kind') };
    this.container.dispatchEvent(new CustomEvent('network:select', { bubbles: true, detail }));
  }

  say(text) {
    tell(this.status, text);
  }

  open(node) {
    const { dataset } = this.container;
    const kind = node.data('kind');
    const pattern = dataset[`href${kind[0].toUpperCase()}${kind.slice(1)}`] || dataset.href;
    if (!pattern) return;
    window.location.assign(pattern.replace('{kind}', kind).replace('{id}', encodeURIComponent(node.id())));
  }

  // --- The view ---

  act(action) {
    const { cy } = this;
    if (action === 'clear') { this.clear(); return; }
    this.fitted = action === 'fit';
    if (this.fitted) { this.fit(); return; }
    const level = cy.zoom() * (action === 'zoom-in' ? 1.25 : 0.8);
    const renderedPosition = this.current ? this.current.renderedPosition() : { x: cy.width() / 2, y: cy.height() / 2 };
    cy.zoom({ level, renderedPosition });
  }

  /** Fit twice: labels keep their size on the screen, so the first fit changes what there is to fit. */
  fit() {
    this.cy.fit(this.cy.elements(), 24);
    this.cy.style().update();
    this.cy.fit(this.cy.elements(), 12);
    if (this.cy.zoom() > 1.5) { this.cy.zoom(1.5); this.cy.center(); }
    this.cy.style().update();
    this.label();
  }

  bringIntoView(node) {
    const { cy } = this;
    const { x, y } = node.renderedPosition();
    const margin = 40;
    if (x > margin && y > margin && x < cy.width() - margin && y < cy.height() - margin) return;
    const still = window.matchMedia('(prefers-reduced-motion: reduce)').matches;
    if (still) cy.center(node);
    else cy.stop().animate({ center: { eles: node }, duration: 200 });
  }

  // --- The table beside it ---

  markRows(id) {
    for (const element of document.querySelectorAll('[data-node-id]')) {
      element.classList.remove('pw-network-node--selected');
      (element.closest('tr') || element).classList.remove('pw-network-row--selected');
    }
    if (id === null) return;
    for (const element of document.querySelectorAll(`[data-node-id="${CSS.escape(id)}"]`)) {
      element.classList.add('pw-network-node--selected');
      (element.closest('tr') || element).classList.add('pw-network-row--selected');
    }
  }

  /** A click on a row, or the focus on a link in it, lights its node; only a click is read out. */
  fromPage(event, aloud) {
    const action = aloud && event.target.closest('[data-network-action]');
    if (action) { this.act(action.dataset.networkAction); return; }
    const element = event.target.closest('[data-node-id]');
    const node = element && this.cy.getElementById(element.dataset.nodeId);
    if (node && node.nonempty() && node !== this.current) this.select(node[0], { silent: !aloud });
  }
}

// --- Start -------------------------------------------------------------------------------------------

function tell(status, text, { failed = false } = {}) {
  if (!status) return;
  status.textContent = text;
  status.classList.toggle('pw-network-status--error', failed);
}

async function load(url) {
  const answer = await fetch(url, { credentials: 'same-origin', headers: { Accept: 'application/json' } });
  const type = answer.headers.get('Content-Type') || '';
  if (!type.includes('json')) throw new Error('The connections could not be loaded. You may have been signed out: reload the page.');
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.detail || body.title || 'The connections could not be loaded.');
  return body;
}

async function start(container) {
  const status = document.getElementById(container.dataset.status);
  container.dataset.state = 'loading';
  container.setAttribute('role', 'group');
  container.setAttribute('aria-busy', 'true');
  try {
    if (!window.cytoscape) throw new Error('The drawing part of this page could not be loaded. Reload the page, or use the table.');
    const picture = await load(container.dataset.url);
    if (picture.nodes.length) {
      container.tabIndex = 0;
      container.setAttribute('role', 'application');
      container.setAttribute('aria-roledescription', 'network diagram');
      new Picture(container, picture);
    }
    container.dataset.state = picture.nodes.length ? 'ready' : 'empty';
    tell(status, picture.status || '');
  } catch (error) {
    container.dataset.state = 'failed';
    tell(status, error instanceof TypeError ? 'The connections could not be loaded. Check your connection and reload the page.' : error.message, { failed: true });
    if (error instanceof TypeError) throw error; // ours or the network's: keep it in the console too
  } finally {
    container.removeAttribute('aria-busy');
  }
}

document.querySelectorAll('.pw-network[data-url]').forEach(start);
