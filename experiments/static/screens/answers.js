// Drafts, and sending so that nothing is lost or doubled.
const form = document.getElementById("answers");
const on = (target, kinds, act) => kinds.split(" ").forEach((kind) => target.addEventListener(kind, act));
let dirty, busy, sending, leaving, halted, there, timer;

const says = (name, text) => {
  for (const line of document.querySelectorAll("[data-says]")) {
    line.hidden = line.dataset.says !== name;
    if (text && !line.hidden) line.querySelector("b").textContent = text;
  }
  form.querySelector(":focus")?.scrollIntoView({ block: "nearest" });  // not under the message
};

// Throws "door" when one is signed out, anything else when nothing is known.
const post = async (url) => {
  const body = new URLSearchParams(new FormData(form));
  const token = /csrftoken=(\w+)/.exec(document.cookie);  // of who signed in anew
  if (token) body.set("csrfmiddlewaretoken", token[1]);
  const signal = AbortSignal.timeout(20000);
  const keepalive = document.hidden;  // while the page is being left
  const answer = await fetch(url, { method: "POST", body, signal, keepalive, headers: { Accept: "application/json" } });
  if (answer.status > 499) throw answer;
  if (answer.headers.get("Content-Type") !== "application/json") throw "door";
  return { ok: answer.ok, ...(await answer.json()) };
};

const later = (wait) => { clearTimeout(timer); timer = setTimeout(save, wait); };

const save = async () => {
  if (busy || sending || halted || !dirty) return;
  busy = true;
  dirty = false;
  try {
    const kept = await post(form.dataset.draftUrl);
    there = kept.revision;
    if (kept.ok) form.revision.value = there;
    else dirty = halted = true;
    if (!sending) says(kept.ok ? "saved" : there ? "behind" : "refused", kept.saved_at || kept.detail);
  } catch (problem) {
    dirty = true;
    if (!sending) says(problem === "door" ? problem : "offline");
  }
  busy = false;
  if (dirty) later(3000);
};

const touch = () => { dirty = true; later(800); };
on(form, "input", touch);
on(document, "htmx:error", touch);
if (document.getElementById("errors")) touch();  // what was refused is kept
on(window, "online visibilitychange", save);
on(window, "beforeunload", (event) => { if (!leaving && (dirty || busy || sending)) event.preventDefault(); });
on(document.querySelector("[data-theirs]"), "click", () => { leaving = true; location.reload(); });
on(document.querySelector("[data-mine]"), "click", () => { form.revision.value = there; halted = false; save(); });

const send = async () => {
  for (;;) {
    try {
      const sent = await post(form.action);
      if (sent.url && (await fetch(sent.url)).status > 499) throw sent;
      leaving = sent.url || sent.code === "invalid";
      if (sent.url) return location.assign(sent.url);
      if (leaving) return form.submit();  // that page says why
      return says("refused", sent.detail);
    } catch (problem) {
      if (problem === "door") return says(problem);
      says("unsure");
      await new Promise((again) => { setTimeout(again, 3000); on(window, "online", again); });
    }
  }
};

on(form, "submit", async (event) => {
  leaving = event.submitter?.name === "pause";
  if (leaving) return;
  event.preventDefault();
  sending = form.inert = true;
  says("sending");
  await send();
  sending = form.inert = leaving;
  if (!leaving && document.activeElement === document.body) event.submitter?.focus();  // where it was
});
