// Search within the case, keys, folding, charts that did not come. The page is whole without it.
const find = document.getElementById("find");
const left = find.closest(".case-left"), found = document.getElementById("found"), keys = document.getElementById("keys");
const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
const marks = CSS.highlights && new Highlight();
CSS.highlights?.set("found", marks);
let rows = [], at = -1, opened = [], told;

const clear = () => {
  rows.forEach((row) => row.classList.remove("hit", "now"));
  opened.forEach((part) => { part.open = false; });
  marks?.clear();
  rows = []; opened = []; at = -1; found.textContent = "";
};

const mark = (row, wanted) => {
  const walker = document.createTreeWalker(row, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode());) {
    const text = node.data.toLowerCase();
    for (let start = 0; (start = text.indexOf(wanted, start)) >= 0; start += wanted.length) {
      const startOffset = start, endOffset = start + wanted.length;
      marks.add(new StaticRange({ startContainer: node, startOffset, endContainer: node, endOffset }));
    }
  }
};

// What this opens is closed again with the search.
const unfold = (row, wanted) => {
  const closed = "details:not([open], .course)";
  const inside = [...row.querySelectorAll(closed)].filter((part) => plain(part.textContent).includes(wanted));
  for (let part = row.closest(closed); part; part = part.parentElement.closest(closed)) inside.push(part);
  inside.forEach((part) => { part.open = true; opened.push(part); });
};

const search = () => {
  const typed = find.value.trim(), wanted = plain(typed);
  clear();
  if (!wanted) return;
  rows = [...left.querySelectorAll(".f")].filter((row) => plain(row.textContent).includes(wanted));
  rows.forEach((row) => {
    row.classList.add("hit");
    unfold(row, wanted);
    if (marks) mark(row, typed.toLowerCase());
  });
  const { none, place, places } = find.dataset;
  found.textContent = rows[0] ? `${rows.length} ${rows[1] ? places : place}` : none;
  found.disabled = !rows[0];
  clearTimeout(told);
  told = setTimeout(() => document.dispatchEvent(new CustomEvent("case:searched", { detail: { places: rows.length } })), 1000);
};

const go = (step) => {
  if (!rows.length) return;
  rows[at]?.classList.remove("now");
  at = (Math.max(at, step < 0 ? 0 : -1) + step + rows.length) % rows.length;
  rows[at].classList.add("now");
  rows[at].scrollIntoView({ block: "center" });
  found.textContent = at + 1 + " / " + rows.length;
};

find.addEventListener("input", search);
found.addEventListener("click", () => go(1));
find.addEventListener("keydown", (event) => {
  if (event.key === "Enter") go(event.shiftKey ? -1 : 1);
  if (event.key === "Escape") { find.value = ""; clear(); }
});

const fold = (open) => left.querySelectorAll(".case details:not(.course)").forEach((part) => { part.open = open; });
left.addEventListener("click", ({ target: { dataset } }) => dataset.all && fold(dataset.all === "open"));

try {
  keys.checked = localStorage.caseKeys !== "off";
  keys.addEventListener("change", () => { localStorage.caseKeys = keys.checked ? "on" : "off"; });
} catch { /* forbidden: the choice is this page's */ }
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input:not([type=radio], [type=checkbox]), textarea, select");
  if (!keys.checked || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/") { event.preventDefault(); find.focus(); find.select(); }
  if ("+-".includes(event.key)) fold(event.key === "+");
});

// Scrolled to again, it is asked for again by itself.
left.addEventListener("htmx:error", ({ target }) => {
  if (!target.matches(".c")) return;
  target.firstElementChild.textContent = find.dataset.missing;
  window.addEventListener("online", () => htmx.trigger(target, "intersect"), { once: true });
});
