/* The disclosure matrix: edits cells in memory and sends them as one field. The server resolves what is saved; the
   rules of inheritance are mirrored here only to show at once what a change does. */
"use strict";
(() => {
  const source = document.getElementById("matrix-data");
  if (!source) return;
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(source.textContent);
  const rows = data.rows.map(([node, feature, parent, visibility, count, isNew, opens]) =>
    ({node, feature, parent, visibility, count, isNew, opens}));
  const place = (node, feature) => (feature === null ? node : `${node}|${feature}`);
  const columns = data.stages.map((stage) => ({
    id: stage.id,
    label: stage.label,
    cells: new Map(stage.cells.map((cell) => [place(cell.node, cell.discriminator), cell])),
    changed: data.unsaved.includes(stage.id),
  }));
  const lines = [...document.querySelectorAll("table.matrix tbody tr")];
  const grid = lines.map((line) => [...line.querySelectorAll("button.cell")]);
  const labels = lines.map((line) => line.querySelector(".label").textContent);
  const form = byId("matrix-form");
  const sections = rows.map((row, i) => { while (rows[i].parent !== null) i = rows[i].parent; return i; });
  const undo = [];
  let current = null;

  /* --- what holds, mirroring cases.disclosure_matrix */

  function own(i, column) {
    const row = rows[i];
    return [row.feature === null ? column.cells.get(`${row.node}|`) : null,
      column.cells.get(place(row.node, row.feature))].filter(Boolean);
  }

  function decide(i, column, restricted) {
    const cells = own(i, column);
    const said = (list, name) => list.map((cell) => cell[name]).find((value) => value !== null && value !== undefined);
    const mine = said(cells, "shown");
    const nodeRow = rows[i].feature === null ? i : rows[i].parent;
    for (let above = rows[i].parent; above !== null; above = rows[above].parent) {
      const cell = column.cells.get(rows[above].node);
      if (cell) cells.push(cell);
    }
    let shown = said(cells, "shown");
    if (shown === undefined) {
      const visibility = rows[nodeRow].visibility;
      shown = visibility === "always" || (visibility === "unless_restricted" && !restricted.has(sections[i]));
    }
    if (rows[i].isNew && mine === undefined && !rows[nodeRow].opens) shown = false;
    return {shown, inherited: mine === undefined, collapse: said(cells, "collapse"),
      highlight: said(cells, "highlight"), top: said(cells, "top")};
  }

  function marksOf(state) {
    if (!state.shown) return [];
    return [state.collapse && ["C", "starts collapsed"], state.highlight && ["H", "highlighted"],
      state.top !== undefined && [`↑${state.top}`, `pinned at ${state.top}`]].filter(Boolean);
  }

  function draw() {
    const drawn = columns.map((column, j) => {
      const restricted = new Set(rows.map((row, i) => i).filter((i) =>
        own(i, column).some((cell) => cell.shown !== null && cell.shown !== undefined)).map((i) => sections[i]));
      const states = rows.map((row, i) => ({...decide(i, column, restricted), n: 0, all: 0}));
      const total = states.reduceRight((sum, state, i) => {
        if (state.all) state.shown = state.n > 0;
        if (state.all && state.shown && state.n < state.all) state.part = `${state.n} of ${state.all}`;
        if (rows[i].count !== null) { state.n += state.shown ? 1 : 0; state.all += 1; }
        const above = states[rows[i].parent];
        if (above) { above.n += state.n; above.all += state.all; }
        return rows[i].parent === null ? sum + state.n : sum;
      }, 0);
      document.querySelector(`[data-count="${j}"]`).textContent = total;
      return states.map((state, i) => drawCell(grid[i][j], i, column, state));
    });
    lines.forEach((line, i) => line.classList.toggle("differs", drawn.some((texts) => texts[i] !== drawn[0][i])));
  }

  function drawCell(button, i, column, state) {
    const marks = marksOf(state);
    const word = state.part || (state.shown ? "Shown" : "Hidden");
    const text = [word, ...marks.map((mark) => mark[0])].join(" ");
    const key = text + state.inherited;
    if (button.dataset.drawn !== key) {
      button.dataset.drawn = key;
      button.classList.toggle("shown", state.shown);
      button.classList.toggle("inherited", state.inherited);
      const spans = [["state", word, ""], ...marks.map(([mark, words]) => ["mark", mark, words])];
      button.replaceChildren(...spans.map(([name, content, title]) =>
        Object.assign(document.createElement("span"), {className: name, textContent: content, title})));
      button.setAttribute("aria-label", `${labels[i]}, ${column.label}: ` +
        [word.toLowerCase() + (state.part ? " shown" : "") + (state.inherited ? ", as above" : ""), ...marks.map((mark) => mark[1])].join(", "));
    }
    return text;
  }

  /* --- which rows are seen */

  const opened = new Set();
  function filter() {
    const wanted = byId("matrix-filter").value.trim().toLowerCase();
    const differing = byId("matrix-differs").checked;
    const hit = (i) => (!wanted || labels[i].toLowerCase().includes(wanted))
      && (!differing || lines[i].classList.contains("differs"));
    const seen = rows.map((row, i) => hit(i) && (row.feature === null || opened.has(row.parent) || wanted || differing));
    if (wanted || differing) rows.forEach((row, i) => {
      for (let above = row.parent; seen[i] && above !== null; above = rows[above].parent) seen[above] = true;
    });
    lines.forEach((line, i) => {
      line.hidden = !seen[i];
      line.querySelector(".expand")?.setAttribute("aria-expanded", String(opened.has(i)));
    });
    const shown = seen.filter(Boolean).length;
    byId("matrix-count").textContent = `${shown} of ${rows.length} rows`;
  }

  function toggle(i) {
    if (!lines[i].querySelector(".expand")) return;
    opened.has(i) ? opened.delete(i) : opened.add(i);
    filter();
  }

  byId("matrix-filter").addEventListener("input", filter);
  byId("matrix-differs").addEventListener("change", filter);
  byId("matrix-expand").addEventListener("click", (event) => {
    const all = event.target.getAttribute("aria-pressed") !== "true";
    event.target.setAttribute("aria-pressed", String(all));
    opened.clear();
    if (all) rows.forEach((row, i) => opened.add(i));
    filter();
  });

  /* --- changing cells */

  function write(i, column, changes) {
    const row = rows[i];
    const key = place(row.node, row.feature);
    const cell = {node: row.node, discriminator: row.feature, shown: null, collapse: null, highlight: null, top: null,
      ...column.cells.get(key), ...changes};
    column.cells.delete(`${row.node}|`);
    const empty = ["shown", "collapse", "highlight", "top"].every((name) => cell[name] === null);
    empty ? column.cells.delete(key) : column.cells.set(key, cell);
    column.changed = true;
  }

  const isBelow = (i, above) => { for (let p = rows[i].parent; p !== null; p = rows[p].parent) if (p === above) return true; return false; };

  function remember(say, change) {
    undo.push(columns.map((column) => [new Map(column.cells), column.changed]));
    change();
    after(say);
  }

  function after(say) {
    draw();
    if (byId("matrix-differs").checked) filter();
    byId("matrix-undo").disabled = !undo.length;
    byId("matrix-status").textContent = say;
    showEditor();
  }

  function apply(name, value) {
    const [i, j] = current;
    const scope = byId("edit-scope").value;
    const chosen = scope === "row" ? columns : [columns[j]];
    const tops = scope === "column" ? rows.map((row, k) => k).filter((k) => rows[k].parent === null) : [i];
    remember(`${labels[i]}: changed, not saved yet`, () => chosen.forEach((column) => {
      if (scope === "below" || scope === "column")
        rows.forEach((row, k) => tops.some((top) => isBelow(k, top)) && write(k, column, {[name]: null}));
      tops.forEach((top) => write(top, column, {[name]: value}));
    }));
  }

  /* --- the cell in hand: one tab stop for the grid, arrows inside it */

  function choose(i, j) {
    if (current) grid[current[0]][current[1]].tabIndex = -1;
    current = [i, j];
    grid[i][j].tabIndex = 0;
    showEditor();
  }

  function showEditor() {
    if (!form || !current) return;
    const [i, j] = current;
    const cell = columns[j].cells.get(place(rows[i].node, rows[i].feature)) || {};
    const option = (value) => (value === true ? "1" : value === false ? "0" : "");
    byId("matrix-editor").disabled = false;
    byId("matrix-selected").textContent = `${labels[i]} – ${columns[j].label}`;
    for (const name of ["shown", "collapse", "highlight"]) byId(`edit-${name}`).value = option(cell[name]);
    byId("edit-top").value = cell.top ?? "";
  }

  function move(i, j, di, dj) {
    const next = [i + di, Math.min(Math.max(j + dj, 0), columns.length - 1)];
    while (di && lines[next[0]]?.hidden) next[0] += di;
    if (grid[next[0]]) grid[next[0]][next[1]].focus();
  }

  const table = document.querySelector("table.matrix");
  const where = (button) => [lines.indexOf(button.closest("tr")), Number(button.dataset.column)];
  const flip = (i, j) => remember(`${labels[i]}, ${columns[j].label}: changed, not saved yet`, () =>
    write(i, columns[j], {shown: !grid[i][j].classList.contains("shown")}));

  table.addEventListener("focusin", (event) => event.target.matches(".cell") && choose(...where(event.target)));
  table.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.matches(".expand")) return toggle(lines.indexOf(button.closest("tr")));
    button.focus();
    if (form) flip(...where(button));
  });
  table.addEventListener("keydown", (event) => {
    if (!event.target.matches(".cell") || event.ctrlKey || event.metaKey || event.altKey) return;
    const [i, j] = where(event.target);
    const edge = columns.length;
    const keys = {ArrowUp: () => move(i, j, -1, 0), ArrowDown: () => move(i, j, 1, 0), ArrowLeft: () => move(i, j, 0, -1),
      ArrowRight: () => move(i, j, 0, 1), Home: () => move(i, j, 0, -edge), End: () => move(i, j, 0, edge),
      "+": () => toggle(i), Enter: () => form && byId("edit-shown").focus(),
      Delete: () => form && remember(`${labels[i]}: as above, not saved yet`, () => write(i, columns[j], {shown: null}))};
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });

  if (form) {
    for (const name of ["shown", "collapse", "highlight"])
      byId(`edit-${name}`).addEventListener("change", (event) =>
        apply(name, event.target.value === "" ? null : event.target.value === "1"));
    byId("edit-top").addEventListener("change", (event) => event.target.reportValidity() && apply("top", event.target.value.trim() || null));
    byId("matrix-editor").addEventListener("keydown", (event) => {
      if (event.key === "Escape") grid[current[0]][current[1]].focus();
      if (event.key === "Enter") event.preventDefault();
    });
    byId("matrix-undo").addEventListener("click", () => {
      undo.pop().forEach(([cells, changed], j) => Object.assign(columns[j], {cells, changed}));
      after("Undone");
    });
    byId("copy-column").addEventListener("click", () => {
      const [from, to] = ["copy-from", "copy-to"].map((id) => columns[byId(id).value]);
      remember(`${from.label} copied to ${to.label}, not saved yet`, () =>
        Object.assign(to, {cells: new Map(from.cells), changed: true}));
    });
    byId("compat-off")?.addEventListener("click", () => remember("AugMed visibility switched off, not saved yet", () =>
      columns.forEach((column) => rows.forEach((row, i) => {
        const compatible = row.feature === null && ["always", "unless_restricted"].includes(row.visibility);
        if (compatible && !column.cells.get(row.node)?.shown) write(i, column, {shown: false});
      }))));
    form.addEventListener("submit", () => {
      byId("matrix-cells").value = JSON.stringify(Object.fromEntries(
        columns.filter((column) => column.changed).map((column) => [column.id, [...column.cells.values()]])));
      undo.length = 0;
      columns.forEach((column) => { column.changed = false; });
    });
    addEventListener("beforeunload", (event) => columns.some((column) => column.changed) && event.preventDefault());
  }

  draw();
  filter();
  if (grid[0]?.[0]) grid[0][0].tabIndex = 0;
})();
