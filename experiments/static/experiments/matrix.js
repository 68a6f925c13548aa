/* Cells are edited in memory and sent as one field. The server resolves what is saved; the rules of inheritance
   (cases.disclosure_matrix) are mirrored here only to show at once what a change does. */
const $ = (id) => document.getElementById(id);
const EMPTY = {shown: null, collapse: null, highlight: null, top: null};
const STYLES = Object.keys(EMPTY);
const data = JSON.parse($("matrix-data").textContent);
const rows = data.rows.map(([node, feature, parent, visibility, count, isNew, opens]) =>
  ({node, feature, parent, visibility, count, isNew, opens}));
const place = (node, feature) => (feature === null ? node : `${node}|${feature}`);
const columns = data.stages.map(({id, label, cells}) => ({
  id, label, changed: data.unsaved.includes(id),
  cells: new Map(cells.map((cell) => [place(cell.node, cell.discriminator), cell])),
}));
const table = document.querySelector("table.matrix");
const lines = [...table.tBodies[0].rows];
const grid = lines.map((line) => [...line.querySelectorAll(".cell")]);
const labels = lines.map((line) => line.querySelector(".label").textContent);
const form = $("matrix-form");
const chains = [];
for (const {parent} of rows) chains.push(parent === null ? [] : [parent, ...chains[parent]]);
const section = (i) => chains[i].at(-1) ?? i;
const undo = [];
const opened = new Set();
let current = [0, 0];
let pressed = null; // the cell that was chosen already when the mouse went down on it


const own = (i, {cells}) => [rows[i].feature === null && cells.get(`${rows[i].node}|`),
  cells.get(place(rows[i].node, rows[i].feature))].filter(Boolean);
const said = (cells, name) => cells.map((cell) => cell[name]).find((value) => value !== null);

function decide(i, column, restricted) {
  const mine = said(own(i, column), "shown");
  const cells = [...own(i, column), ...chains[i].map((k) => column.cells.get(rows[k].node)).filter(Boolean)];
  const state = Object.fromEntries(STYLES.map((name) => [name, said(cells, name)]));
  const node = rows[rows[i].feature === null ? i : rows[i].parent];
  state.shown ??= node.visibility === "always"
    || (node.visibility === "unless_restricted" && !restricted.has(section(i)));
  if (rows[i].isNew && mine === undefined && !node.opens) state.shown = false;
  return {...state, inherited: mine === undefined, n: 0, all: 0};
}

function draw() {
  const drawn = columns.map((column, j) => {
    const restricted = new Set(rows.map((_, i) => i)
      .filter((i) => said(own(i, column), "shown") !== undefined).map(section));
    const states = rows.map((_, i) => decide(i, column, restricted));
    let total = 0;
    for (let i = rows.length - 1; i >= 0; i -= 1) {
      const state = states[i];
      if (state.all) state.shown = state.n > 0;
      if (state.n && state.n < state.all) state.part = `${state.n} of ${state.all}`;
      if (rows[i].count !== null) { state.n += Number(state.shown); state.all += 1; }
      const parent = states[rows[i].parent];
      if (parent) { parent.n += state.n; parent.all += state.all; } else total += state.n;
    }
    document.querySelector(`[data-count="${j}"]`).textContent = total;
    return states.map((state, i) => drawCell(grid[i][j], `${labels[i]}, ${column.label}`, state));
  });
  lines.forEach((line, i) => line.classList.toggle("differs", drawn.some((texts) => texts[i] !== drawn[0][i])));
}

function drawCell(button, label, state) {
  const word = state.part || (state.shown ? "Shown" : "Hidden");
  const marks = state.shown ? [state.collapse && ["C", "starts collapsed"], state.highlight && ["H", "highlighted"],
    state.top && [`↑${state.top}`, `pinned at ${state.top}`]].filter(Boolean) : [];
  const text = [word, ...marks].join(" ");
  const drawn = text + state.inherited;
  if (button.dataset.drawn === drawn) return text;
  button.dataset.drawn = drawn;
  for (const name of ["shown", "inherited"]) button.classList.toggle(name, state[name]);
  button.replaceChildren(...[[word, "", "state"], ...marks].map(([textContent, title, className = "mark"]) =>
    Object.assign(document.createElement("span"), {textContent, title, className})));
  const words = [word.toLowerCase() + (state.part ? " shown" : "") + (state.inherited ? ", as above" : "")];
  button.setAttribute("aria-label", `${label}: ${[...words, ...marks.map((mark) => mark[1])].join(", ")}`);
  return text;
}

function filter() {
  const wanted = $("matrix-filter").value.trim().toLowerCase();
  const differing = $("matrix-differs").checked;
  const seen = rows.map((row, i) => labels[i].toLowerCase().includes(wanted)
    && (!differing || lines[i].classList.contains("differs"))
    && Boolean(wanted || differing || row.feature === null || opened.has(row.parent)));
  if (wanted || differing) rows.forEach((_, i) => seen[i] && chains[i].forEach((k) => { seen[k] = true; }));
  lines.forEach((line, i) => {
    line.hidden = !seen[i];
    line.querySelector(".expand")?.setAttribute("aria-expanded", opened.has(i));
  });
  $("matrix-count").textContent = `${seen.filter(Boolean).length} of ${rows.length} rows`;
}

function fold(i) {
  if (!opened.delete(i)) opened.add(i);
  filter();
}

const on = (id, kind, act) => $(id)?.addEventListener(kind, act);
on("matrix-filter", "input", filter);
on("matrix-differs", "change", filter);
on("matrix-expand", "click", ({target}) => {
  const all = target.ariaPressed !== "true";
  target.ariaPressed = String(all);
  opened.clear();
  if (all) rows.forEach((_, i) => opened.add(i));
  filter();
});

function write(i, column, changes) {
  const {node, feature} = rows[i];
  const key = place(node, feature);
  const cell = {node, discriminator: feature, ...EMPTY, ...column.cells.get(key), ...changes};
  column.cells.delete(`${node}|`);
  if (STYLES.every((name) => cell[name] === null)) column.cells.delete(key);
  else column.cells.set(key, cell);
  column.changed = true;
}

function change(what, act) {
  undo.push(columns.map(({cells, changed}) => ({cells: new Map(cells), changed})));
  act();
  after(`${what}: not saved yet`);
}

function after(words) {
  draw();
  filter();
  $("matrix-undo").disabled = !undo.length;
  $("matrix-status").textContent = words;
  showEditor();
}

function apply(name, value) {
  const [i, j] = current;
  const scope = $("edit-scope").value;
  const tops = scope === "column" ? rows.flatMap((row, k) => (row.parent === null ? [k] : [])) : [i];
  change(labels[i], () => (scope === "row" ? columns : [columns[j]]).forEach((column) => {
    if (/below|column/.test(scope)) rows.forEach((_, k) =>
      chains[k].some((up) => tops.includes(up)) && write(k, column, {[name]: null}));
    tops.forEach((top) => write(top, column, {[name]: value}));
  }));
}

// One tab stop for the grid.
function choose(i, j) {
  grid[current[0]][current[1]].tabIndex = -1;
  current = [i, j];
  grid[i][j].tabIndex = 0;
  if (form) $("matrix-editor").disabled = false;
  showEditor();
}

function showEditor() {
  if (!form || $("matrix-editor").disabled) return;
  const [i, j] = current;
  const cell = columns[j].cells.get(place(rows[i].node, rows[i].feature)) || {};
  $("matrix-selected").textContent = `${labels[i]}: ${columns[j].label}`;
  // For more than one cell nothing is set beforehand: whatever is picked is then a change, and is applied.
  const one = $("edit-scope").value === "cell";
  for (const name of STYLES) $(`edit-${name}`).value = one ? {true: 1, false: 0}[cell[name]] ?? cell[name] ?? "" : null;
}

function move(i, j, down, right) {
  do i += down; while (down && lines[i]?.hidden);
  grid[i]?.[Math.min(Math.max(j + right, 0), columns.length - 1)].focus();
}

const where = (button) => [lines.indexOf(button.closest("tr")), Number(button.dataset.column)];
table.addEventListener("mousedown", ({target}) => {
  const button = target.closest(".cell");
  const chosen = button && !$("matrix-editor")?.disabled && grid[current[0]][current[1]] === button;
  pressed = chosen ? button : null;
});
table.addEventListener("focusin", ({target}) => target.matches(".cell") && choose(...where(target)));
// The first click on a cell chooses it, another switches it. A click without a mouse (Space) switches at once.
table.addEventListener("click", ({target, detail}) => {
  const button = target.closest("button");
  if (!button) return;
  const [i, j] = where(button);
  if (button.matches(".expand")) { fold(i); return; }
  button.focus();
  if (detail && pressed !== button) return;
  if (form) change(labels[i], () => write(i, columns[j], {shown: !button.classList.contains("shown")}));
});
table.addEventListener("keydown", (event) => {
  if (!event.target.matches(".cell") || event.ctrlKey || event.metaKey || event.altKey) return;
  const [i, j] = where(event.target);
  const act = {
    ArrowUp: () => move(i, j, -1, 0), ArrowDown: () => move(i, j, 1, 0),
    ArrowLeft: () => move(i, j, 0, -1), ArrowRight: () => move(i, j, 0, 1),
    "+": () => fold(i),
    Enter: () => form && $("edit-shown").focus(),
    Delete: () => form && change(labels[i], () => write(i, columns[j], {shown: null})),
  }[event.key];
  if (act) { event.preventDefault(); act(); }
});

if (form) {
  for (const name of STYLES) on(`edit-${name}`, "change", ({target}) => {
    if (name !== "top") apply(name, {1: true, 0: false}[target.value] ?? null);
    else if (target.reportValidity()) apply(name, target.value.trim() || null);
  });
  on("edit-scope", "change", showEditor);
  on("matrix-editor", "keydown", (event) => {
    if (event.key === "Escape") grid[current[0]][current[1]].focus();
    if (event.key === "Enter") event.preventDefault();
  });
  on("matrix-undo", "click", () => {
    undo.pop().forEach((before, j) => Object.assign(columns[j], before));
    after("Undone");
  });
  on("copy-column", "click", () => {
    const [from, to] = ["copy-from", "copy-to"].map((id) => columns[$(id).value]);
    change(`${from.label} copied to ${to.label}`, () =>
      Object.assign(to, {cells: new Map(from.cells), changed: true}));
  });
  on("compat-off", "click", () => change("AugMed visibility switched off", () =>
    columns.forEach((column) => rows.forEach((row, i) => {
      const compatible = /^(always|unless)/.test(row.visibility);
      if (compatible && !column.cells.get(row.node)?.shown) write(i, column, {shown: false});
    }))));
  on("matrix-form", "submit", () => {
    $("matrix-cells").value = JSON.stringify(Object.fromEntries(
      columns.filter(({changed}) => changed).map(({id, cells}) => [id, [...cells.values()]])));
    columns.forEach((column) => { column.changed = false; });
  });
  addEventListener("beforeunload", (event) => columns.some(({changed}) => changed) && event.preventDefault());
}

draw();
filter();
grid[0][0].tabIndex = 0;
