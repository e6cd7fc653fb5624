"use strict";
// Draws what GET /graph answers: one circle for each entity, coloured by community, one line for each relation.

const $ = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
const COLOURS = 8;
const state = { nodes: [], edges: [], chosen: null, view: { x: 0, y: 0, scale: 1 }, asked: 0 };

function make(parent, name, attributes = {}, text = "") {
  const element = parent.namespaceURI === SVG || name === "svg" ? document.createElementNS(SVG, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text) element.textContent = text;
  parent.append(element);
  return element;
}

async function ask(path, parameters = {}, body = null) {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== "" && value != null));
  const headers = {};
  const key = sessionStorage.getItem("key");
  if (key) headers.Authorization = "Bearer " + key;
  if (body) headers["Content-Type"] = "application/json";
  const reply = await fetch(path + "?" + query, { headers, method: body ? "POST" : "GET", body: body && JSON.stringify(body) });
  const answer = await reply.json().catch(() => ({}));
  if (reply.status === 401) $("unlock").hidden = false;
  if (!reply.ok) throw Object.assign(new Error(answer.detail || answer.title || "The server answered " + reply.status + "."), { status: reply.status });
  return answer;
}

const settings = () => ({
  collection: $("collection").value.trim(),
  entity: $("entity").value.trim(),
  depth: $("entity").value.trim() ? $("depth").value : "",
  level: $("level").value,
  date: $("date").value,
});

function notice(text, bad = false) {
  $("notice").textContent = text;
  $("notice").hidden = !text;
  $("notice").classList.toggle("bad", bad);
}

// ---- what is shown ----

async function show() {
  const now = ++state.asked;
  const wanted = settings();
  const kept = new URLSearchParams(Object.entries(wanted).filter(([key, value]) => value && !(key === "level" && value === "0")));
  history.replaceState(null, "", "?" + kept);
  notice("Reading …");
  try {
    const { collection, entity, depth, level, date } = wanted;
    const graph = await ask("/graph", { collection, entity, depth, level, as_of_ms: date ? Date.parse(date) : "", limit: 120 });
    if (now !== state.asked) return;
    take(graph);
    notice(graph.nodes.length ? "" : "This memory is empty: nothing has been learned from its documents yet.");
  } catch (error) {
    if (now !== state.asked) return;
    take({ nodes: [], edges: [], more: false, levels: 0 });
    notice(error.message, true);
  }
  await showCommunities(now, wanted);
}

function take(graph) {
  const levels = Math.max(1, graph.levels);
  const level = $("level").value;
  $("level").replaceChildren();
  for (let i = 0; i < levels; ++i) make($("level"), "option", {}, String(i));
  $("level").value = Number(level) < levels ? level : "0";
  state.nodes = graph.nodes.map((node) => ({ ...node, x: 0, y: 0, dx: 0, dy: 0, edges: [] }));
  state.edges = [];
  const keep = (edge) => {
    state.edges.push(edge);
    state.nodes[edge.source].edges.push(edge);
    state.nodes[edge.target].edges.push(edge);
  };
  graph.edges.filter((edge) => edge.type).forEach(keep);
  // Of what is only mentioned together the strongest lines, and two for everybody: all of them are a felt.
  const together = graph.edges.filter((edge) => !edge.type).sort((a, b) => b.weight - a.weight);
  const few = (number) => state.nodes[number].edges.length < 2;
  together.forEach((edge, i) => {
    if (i < 2 * state.nodes.length || few(edge.source) || few(edge.target)) keep(edge);
  });
  state.chosen = null;
  $("count").textContent = state.nodes.length ? count(state.nodes.length, "entity", "entities") + (graph.more ? ", the most central of more" : "") : "";
  arrange();
  draw();
  fit();
  choose(null);
}

const count = (number, one, many = one + "s") => `${number} ${number === 1 ? one : many}`;
const colourOf = (node) => (node.community != null && node.community_rank < COLOURS ? "c" + node.community_rank : "cx");
const radiusOf = (node) => Math.min(18, 5 + 1.8 * Math.sqrt(node.documents + node.relations));

// ---- where ----

// Springs along edges, repulsion between all, a pull towards one's community (Fruchterman and Reingold, 1991).
function arrange() {
  const { nodes, edges } = state;
  const groups = new Map();
  for (const node of nodes) groups.set(node.community ?? node.name, [...(groups.get(node.community ?? node.name) || []), node]);
  const order = [...groups.values()];
  const wide = 34 * Math.sqrt(nodes.length);
  order.forEach((group, g) => {
    const angle = (2 * Math.PI * g) / order.length;
    group.forEach((node, i) => {
      const turn = i * 2.4;
      const far = 14 * Math.sqrt(i);
      node.x = (order.length > 1 ? wide * Math.cos(angle) : 0) + far * Math.cos(turn);
      node.y = (order.length > 1 ? wide * Math.sin(angle) : 0) + far * Math.sin(turn);
    });
  });
  const length = 75;
  const rounds = nodes.length > 200 ? 150 : 300;
  for (let round = 0; round < rounds; ++round) {
    const heat = 30 * (1 - round / rounds) + 0.5;
    for (const node of nodes) node.dx = node.dy = 0;
    for (let i = 0; i < nodes.length; ++i) {
      for (let j = i + 1; j < nodes.length; ++j) {
        const a = nodes[i], b = nodes[j];
        const x = a.x - b.x || 0.01 * (i - j), y = a.y - b.y || 0.01;
        const square = x * x + y * y;
        if (square > 9 * length * length) continue;
        const push = (length * length) / Math.max(square, 25) / 10;
        a.dx += x * push; a.dy += y * push;
        b.dx -= x * push; b.dy -= y * push;
      }
    }
    for (const edge of edges) {
      const a = nodes[edge.source], b = nodes[edge.target];
      const x = a.x - b.x, y = a.y - b.y, far = Math.hypot(x, y) || 1;
      const pull = ((far - length) / far) * (edge.type ? 0.16 : 0.08) * (a.community === b.community ? 1 : 0.5);
      a.dx -= x * pull; a.dy -= y * pull;
      b.dx += x * pull; b.dy += y * pull;
    }
    for (const group of order) {
      const x = group.reduce((sum, node) => sum + node.x, 0) / group.length;
      const y = group.reduce((sum, node) => sum + node.y, 0) / group.length;
      for (const node of group) {
        node.dx += (x - node.x) * 0.03 - node.x * 0.02;
        node.dy += (y - node.y) * 0.03 - node.y * 0.03;
      }
    }
    for (const node of nodes) {
      const far = Math.hypot(node.dx, node.dy) || 1;
      const step = Math.min(far, heat) / far;
      node.x += node.dx * step;
      node.y += node.dy * step;
    }
  }
}

// ---- drawing ----

function draw() {
  const svg = $("drawing");
  svg.replaceChildren();
  const marker = make(make(svg, "defs"), "marker", { id: "arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerUnits: "userSpaceOnUse", markerWidth: 9, markerHeight: 9, orient: "auto" });
  make(marker, "path", { d: "M0,0.5 L8,4 L0,7.5 z", class: "tip" });
  const lines = make(svg, "g");
  for (const edge of state.edges) {
    const a = state.nodes[edge.source], b = state.nodes[edge.target];
    const said = edge.type.replaceAll("_", " ");
    edge.line = make(lines, "path", { class: "edge" + (said ? "" : " together"), "stroke-width": Math.min(4, 0.8 + 0.4 * Math.sqrt(edge.weight)) });
    if (said) edge.line.setAttribute("marker-end", "url(#arrow)");
    make(edge.line, "title", {}, said ? `${a.surface} — ${said} → ${b.surface}` : `${a.surface} and ${b.surface}: together in ${count(edge.weight, "passage")}`);
    edge.said = said ? make(lines, "text", { class: "said", visibility: "hidden" }, said) : null;
  }
  for (const node of state.nodes) {
    node.group = make(svg, "g", { class: "node", tabindex: "0", role: "button", "aria-label": node.surface });
    if ($("entity").value.trim() && node.distance === 0) node.group.classList.add("center");
    make(node.group, "circle", { r: radiusOf(node), class: colourOf(node) });
    node.label = make(node.group, "text", { y: radiusOf(node) + 13 }, node.surface.length > 28 ? node.surface.slice(0, 27) + "…" : node.surface);
    make(node.group, "title", {}, `${node.surface}${node.type ? ", " + node.type : ""}: ${count(node.documents, "document")}, ${count(node.relations, "relation")}`);
    node.group.addEventListener("click", (event) => { event.stopPropagation(); choose(node); });
    node.group.addEventListener("dblclick", () => around(node));
    node.group.addEventListener("keydown", (event) => { if (event.key === "Enter") choose(node); });
  }
}

// Circles and labels keep their size, whatever the zoom: only places move.
function place() {
  const { x: left, y: top, scale } = state.view;
  for (const node of state.nodes) {
    node.at = { x: left + node.x * scale, y: top + node.y * scale };
    node.group.setAttribute("transform", `translate(${node.at.x},${node.at.y})`);
  }
  for (const edge of state.edges) {
    const a = state.nodes[edge.source], b = state.nodes[edge.target];
    const x = b.at.x - a.at.x, y = b.at.y - a.at.y, far = Math.hypot(x, y) || 1;
    const from = radiusOf(a) / far, to = (radiusOf(b) + (edge.type ? 3 : 0)) / far;
    const bend = edge.type ? 0.08 : 0;
    const middle = { x: a.at.x + x / 2 - y * bend, y: a.at.y + y / 2 + x * bend };
    edge.line.setAttribute("d", `M${a.at.x + x * from},${a.at.y + y * from} Q${middle.x},${middle.y} ${b.at.x - x * to},${b.at.y - y * to}`);
    if (edge.said) {
      edge.said.setAttribute("x", middle.x);
      edge.said.setAttribute("y", middle.y);
    }
  }
  // The largest are labelled, where there is room; the others when they are looked at.
  const placed = state.nodes.map(({ at }) => ({ left: at.x - 5, right: at.x + 5, top: at.y - 5, bottom: at.y + 5 }));
  for (const node of [...state.nodes].sort((a, b) => a.distance - b.distance || radiusOf(b) - radiusOf(a))) {
    const half = 3.4 * node.label.textContent.length;
    const box = { left: node.at.x - half, right: node.at.x + half, top: node.at.y + radiusOf(node) + 2, bottom: node.at.y + radiusOf(node) + 17 };
    const free = placed.every((other) => box.right < other.left || other.right < box.left || box.bottom < other.top || other.bottom < box.top);
    if (free) placed.push(box);
    node.label.classList.toggle("quiet", !free);
  }
}

function fit() {
  const { clientWidth: width, clientHeight: height } = $("drawing");
  const xs = state.nodes.map((node) => node.x), ys = state.nodes.map((node) => node.y);
  if (!xs.length || !width) return;
  const left = Math.min(...xs), right = Math.max(...xs), top = Math.min(...ys), bottom = Math.max(...ys);
  const scale = Math.min(2, (width - 140) / Math.max(1, right - left), (height - 90) / Math.max(1, bottom - top));
  state.view = { scale, x: width / 2 - (scale * (left + right)) / 2, y: height / 2 - (scale * (top + bottom)) / 2 };
  place();
}

function zoom(factor, x = $("drawing").clientWidth / 2, y = $("drawing").clientHeight / 2) {
  const { view } = state;
  const scale = Math.min(8, Math.max(0.05, view.scale * factor));
  const ratio = scale / view.scale;
  state.view = { scale, x: x - (x - view.x) * ratio, y: y - (y - view.y) * ratio };
  place();
}

// ---- one entity ----

function choose(node) {
  state.chosen = node;
  const near = new Set(node ? node.edges.flatMap((edge) => [state.nodes[edge.source], state.nodes[edge.target]]) : []);
  for (const other of state.nodes) {
    other.group.classList.toggle("faded", node !== null && other !== node && !near.has(other));
    other.group.classList.toggle("near", near.has(other));
    other.group.classList.toggle("chosen", other === node);
  }
  for (const edge of state.edges) {
    const mine = node !== null && node.edges.includes(edge);
    edge.line.classList.toggle("faded", node !== null && !mine);
    if (edge.said) edge.said.setAttribute("visibility", mine ? "visible" : "hidden");
  }
  $("chosen").hidden = node === null;
  $("overview").hidden = node !== null;
  if (node === null) return;
  $("chosen-name").textContent = node.surface;
  $("chosen-facts").textContent = `${node.type || "of no known kind"} · ${count(node.documents, "document")} · ${count(node.relations, "relation")}`;
  $("relations").replaceChildren();
  const sorted = [...node.edges].sort((a, b) => Boolean(b.type) - Boolean(a.type) || b.weight - a.weight);
  for (const edge of sorted.slice(0, 40)) {
    const item = make($("relations"), "li");
    const other = state.nodes[edge.source] === node ? state.nodes[edge.target] : state.nodes[edge.source];
    const out = state.nodes[edge.source] === node;
    make(item, "span", { class: "kind" }, edge.type ? (out ? edge.type.replaceAll("_", " ") + " → " : "← " + edge.type.replaceAll("_", " ") + " ") : "with ");
    make(item, "span", {}, other.surface + years(edge));
  }
}

function years(edge) {
  const year = (ms) => new Date(ms).getUTCFullYear();
  if (edge.valid_from_ms == null && edge.valid_until_ms == null) return "";
  return ` (${edge.valid_from_ms != null ? year(edge.valid_from_ms) : ""}–${edge.valid_until_ms != null ? year(edge.valid_until_ms - 1) : ""})`;
}

function around(node) {
  $("entity").value = node.name;
  show();
}

// ---- communities ----

async function showCommunities(now, { collection, level }) {
  const list = $("communities");
  list.replaceChildren();
  $("communities-state").textContent = "";
  try {
    const page = await ask("/communities", { collection, level, limit: 20, members: 1 });
    if (now !== state.asked) return;
    $("communities-state").textContent = page.total ? `${page.total} of ${page.entities} entities, found ${new Date(page.built_ms).toLocaleString()}` : "There are none: nothing has been learned yet.";
    page.communities.forEach((community, i) => {
      const item = make(list, "li");
      const button = make(item, "button", { type: "button" });
      const rank = state.nodes.find((node) => node.community === community.id)?.community_rank ?? i;
      make(button, "span", { class: "dot " + (rank < COLOURS ? "c" + rank : "cx") });
      make(button, "span", {}, community.title);
      button.addEventListener("click", () => {
        for (const other of list.children) other.classList.toggle("open", other === item);
        highlight(community);
      });
      make(item, "p", {}, count(community.size, "entity", "entities") + (community.parts > 1 ? `, ${community.parts} parts` : ""));
      if (community.summary) make(item, "p", { class: "summary" }, community.summary);
      if (community.citations.length) make(item, "p", { class: "cited" }, "From " + [...new Set(community.citations.map((cited) => String(cited.document)))].join(", "));
    });
  } catch (error) {
    if (now === state.asked) $("communities-state").textContent = error.status === 503 ? "They have not been found yet; that happens a moment after documents were learned." : error.message;
  }
}

function highlight(community) {
  const members = new Set(state.nodes.filter((node) => node.community === community.id));
  if (!members.size) {
    $("entity").value = community.members[0]?.name ?? "";
    show();
    return;
  }
  for (const node of state.nodes) {
    node.group.classList.toggle("faded", !members.has(node));
    node.group.classList.toggle("near", members.has(node));
  }
  for (const edge of state.edges) edge.line.classList.toggle("faded", !members.has(state.nodes[edge.source]) || !members.has(state.nodes[edge.target]));
}

async function rebuild() {
  const collection = $("collection").value.trim();
  $("rebuild").disabled = true;
  try {
    const before = await ask("/communities/rebuild", {}, collection ? { collection } : {});
    for (let after = before; after.builds === before.builds && !after.error;) {
      await new Promise((wake) => setTimeout(wake, 500));
      after = await ask("/communities/rebuild", { collection });
      $("communities-state").textContent = after.phase === "none" ? "Waiting …" : `${after.phase[0].toUpperCase()}${after.phase.slice(1)} … ${after.done}${after.total ? " of " + after.total : ""}`;
      if (after.error) throw new Error(after.error);
    }
    await show();
  } catch (error) {
    $("communities-state").textContent = error.message;
  }
  $("rebuild").disabled = false;
}

// ---- what people do ----

let suggesting = 0;
async function suggest() {
  const mine = ++suggesting;
  const prefix = $("entity").value.trim();
  const collection = $("collection").value.trim();
  const page = await ask("/entities", { collection, prefix, limit: 20 }).catch(() => ({ entities: [] }));
  if (mine !== suggesting) return;
  $("names").replaceChildren();
  for (const entity of page.entities) make($("names"), "option", { value: entity.name });
}

function listen() {
  $("ask").addEventListener("submit", (event) => { event.preventDefault(); show(); });
  $("unlock").addEventListener("submit", (event) => {
    event.preventDefault();
    sessionStorage.setItem("key", $("key").value);
    $("unlock").hidden = true;
    start();
  });
  for (const id of ["depth", "level", "date"]) $(id).addEventListener("change", show);
  let typed = 0;
  $("entity").addEventListener("input", () => { clearTimeout(typed); typed = setTimeout(suggest, 150); });
  $("center").addEventListener("click", () => around(state.chosen));
  $("back").addEventListener("click", () => choose(null));
  $("rebuild").addEventListener("click", rebuild);
  $("nearer").addEventListener("click", () => zoom(1.3));
  $("farther").addEventListener("click", () => zoom(1 / 1.3));
  $("whole").addEventListener("click", fit);
  const svg = $("drawing");
  svg.addEventListener("wheel", (event) => {
    event.preventDefault();
    const box = svg.getBoundingClientRect();
    zoom(Math.exp(-event.deltaY / 400), event.clientX - box.left, event.clientY - box.top);
  }, { passive: false });
  let held = null;
  svg.addEventListener("pointerdown", (event) => { held = { x: event.clientX, y: event.clientY, moved: false }; });
  svg.addEventListener("pointermove", (event) => {
    if (!held || !event.buttons) return;
    state.view.x += event.clientX - held.x;
    state.view.y += event.clientY - held.y;
    held = { x: event.clientX, y: event.clientY, moved: true };
    svg.classList.add("dragged");
    place();
  });
  svg.addEventListener("click", () => { if (!held?.moved) choose(null); });
  window.addEventListener("pointerup", () => { svg.classList.remove("dragged"); });
  svg.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [40, 0], ArrowRight: [-40, 0], ArrowUp: [0, 40], ArrowDown: [0, -40] }[event.key];
    if (step) { state.view.x += step[0]; state.view.y += step[1]; place(); event.preventDefault(); }
    if (event.key === "+") zoom(1.3);
    if (event.key === "-") zoom(1 / 1.3);
    if (event.key === "Escape") choose(null);
  });
  window.addEventListener("resize", fit);
}

async function start() {
  const given = new URLSearchParams(location.search);
  for (const id of ["collection", "entity", "depth", "date"]) if (given.get(id)) $(id).value = given.get(id);
  const level = given.get("level");
  if (level && /^\d$/.test(level)) {
    make($("level"), "option", {}, level);
    $("level").value = level;
  }
  const found = await ask("/collections").catch(() => null);
  for (const collection of found?.collections ?? []) make($("collections"), "option", { value: collection.name });
  await show();
}

listen();
start();
