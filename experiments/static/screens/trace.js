/* What is looked at, how long, and when questions are changed: keys and times, never a value. */
const main = document.querySelector("main"), form = document.getElementById("answers");
const IDLE = 30000, PIECE = 20000, SHORTEST = 250, BATCH = 100, MOST = 5000;
const on = (target, kinds, act) => kinds.split(" ").forEach((kind) => target.addEventListener(kind, act, true));

// [address, event]: what a page could not tell, the next one tells.
let queue = [], number = 0, wait = 0, sending;
try { queue = JSON.parse(sessionStorage.trace); } catch { /* none, or forbidden */ }
const keep = () => { try { sessionStorage.trace = JSON.stringify(queue); } catch { /* as above */ } };

let last = performance.now(), clock = last, active = 0, hidden = document.hidden, idle, answering;
const features = new Map(), changes = new Map();

const note = (kind, feature = "", data = {}, question_key = "") => {
  number += 1;  // without room too: a gap tells
  if (queue.length >= MOST) return;
  const now = new Date();
  queue.push([main.dataset.eventsUrl, {
    page_session: form.page_session.value, sequence: number, kind, feature, question_key,
    client_at: now.toISOString(), client_offset_minutes: -now.getTimezoneOffset(),
    data: { active: Math.round(active), ...data },
  }]);
};

const batch = (from) => {
  const to = queue[from][0], body = new FormData(), token = /csrftoken=(\w+)/.exec(document.cookie);
  let end = from;
  while (end < from + BATCH && queue[end]?.[0] === to) end += 1;
  body.set("csrfmiddlewaretoken", token?.[1] ?? form.csrfmiddlewaretoken.value);
  body.set("events", JSON.stringify(queue.slice(from, end).map(([, event]) => event)));
  return { to, body, end };
};

const send = async () => {
  if (sending || !navigator.onLine) return;
  sending = true;
  wait = 10;
  try {
    while (queue.length) {
      const { to, body, end } = batch(0);
      const { status } = await fetch(to, { method: "POST", body, redirect: "manual" });
      if (!status || status === 403 || status > 499) throw status;  // else taken, or refused for good
      queue.splice(0, end);
    }
  } catch { wait = 30; }
  sending = false;
  keep();
};

// A beacon may be lost, so all of it stays: what comes twice counts once.
const leave = () => {
  advance(0);
  for (let at = 0; at < queue.length;) {
    const { to, body, end } = batch(at);
    navigator.sendBeacon(to, body);
    at = end;
  }
  keep();
};

const tell = (feature, key) => {
  if (feature.counts) note("feature_visible", key, { ms: Math.round(feature.ms), visit: feature.visit });
  feature.ms = 0;
};

// Time runs while the tab is to be seen and something was done within the last half minute.
const advance = (piece = PIECE) => {
  const ms = hidden ? 0 : Math.max(0, Math.min(performance.now(), last + IDLE) - clock);
  clock = performance.now();
  active += ms;
  features.forEach((feature, key) => {
    if (!feature.seen.size) return;
    feature.ms += ms;
    if (!feature.counts && feature.ms >= SHORTEST) {  // not only scrolled past
      feature.counts = true;
      if (!feature.visit) note("feature_shown", key);
      feature.visit += 1;
    }
    if (feature.ms && feature.ms >= piece) tell(feature, key);
  });
};

const look = (element, inView = element.inView) => {
  const key = element.dataset.f, fold = element.querySelector(":scope > dd > details:only-child:not(.course)");
  const feature = features.get(key) || { seen: new Set(), ms: 0, visit: 0 };
  features.set(key, feature);
  element.inView = inView;
  if (inView && (!fold || fold.open)) feature.seen.add(element);
  else if (feature.seen.delete(element) && !feature.seen.size) {
    tell(feature, key);
    feature.counts = false;
  }
};
const observer = new IntersectionObserver((entries) => {
  advance();
  entries.forEach(({ target, rootBounds, intersectionRect, intersectionRatio }) => {
    look(target, intersectionRatio >= 0.5 || intersectionRect.height >= rootBounds.height / 2);
  });
}, { threshold: [0, 0.1, 0.3, 0.5] });
const watch = () => main.querySelectorAll("[data-f]:not(.hidden)").forEach((element) => observer.observe(element));

on(document, "pointermove pointerdown keydown wheel touchstart scroll", () => {
  advance();
  last = clock;
  if (idle) note("resumed");
  idle = false;
});
setInterval(() => {
  advance();
  if (!idle && !hidden && clock - last >= IDLE) {
    idle = true;
    note("idle");
  }
  if ((wait -= 1) < 0) send();
}, 1000);
on(document, "visibilitychange", () => {
  advance(0);
  hidden = document.hidden;
  last = clock;
  note(hidden ? "blur" : "focus", "", { tab: true });
  if (hidden) leave();
});
on(window, "pagehide", () => { note("page_closed"); leave(); });
on(window, "blur focus", ({ target, type }) => target === window && note(type));
on(window, "offline online", ({ type }) => { note(type); send(); });

on(window, "load", () => on(main, "toggle", ({ target }) => {  // before it, open parts say that they are open
  const element = target.closest("[data-f]");
  if (!element) return;
  advance();
  note(target.open ? "feature_opened" : "feature_closed", element.dataset.f);
  look(element);
}));
on(form, "focusin input change", ({ target, type }) => {
  if (!answering) note("answer_opened");
  answering = true;
  const key = target.closest("[data-q]")?.dataset.q, now = performance.now();
  if (!key || type === "focusin" || now - (changes.get(key) ?? -PIECE) < (type === "input" ? 5000 : 50)) return;
  changes.set(key, now);
  note("question_changed", "", {}, key);
});
on(form, "submit", () => note("answer_submitted"));
on(document, "case:searched", ({ detail }) => note("searched", "", detail));
on(document, "htmx:load", watch);

note("case_opened");
watch();
