// Shows what was chosen and how far its upload is. Without this script the form is sent by the browser itself.
"use strict";

(() => {
  const form = document.getElementById("upload-form");
  if (!form) return;
  const $ = (id) => document.getElementById(id);
  const [input, chosen, kept, sending, bar, text, buttons] =
    ["id_uploaded", "chosen", "kept", "sending", "sending-bar", "sending-text", "buttons"].map($);
  const limit = Number(form.dataset.limit);
  const start = buttons.querySelector("input[type=submit]");

  const megabytes = (bytes) => (bytes < 1e5 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`);
  const total = () => [...input.files].reduce((sum, file) => sum + file.size, 0);

  function line(name, words) {
    const item = document.createElement("li");
    item.append(`${name} `, Object.assign(document.createElement("span"), { className: "quiet", textContent: words }));
    return item;
  }

  function clearErrors() {
    form.querySelectorAll(".errorlist").forEach((list) => (list.closest(".alerted") ?? list).remove());
    form.querySelectorAll("[aria-invalid]").forEach((field) => field.removeAttribute("aria-invalid"));
  }

  function showErrors(errors) {
    for (const [name, words] of Object.entries(errors)) {
      const field = form.elements[name] || input;
      const first = field instanceof RadioNodeList ? field[0] : field;
      const list = Object.assign(document.createElement("ul"), { className: "errorlist", id: `error-${name}` });
      // The alert is a box around the list: with this role the list itself would be none, and its items orphans.
      const box = Object.assign(document.createElement("div"), { className: "alerted" });
      box.setAttribute("role", "alert");
      list.append(...words.map((textContent) => Object.assign(document.createElement("li"), { textContent })));
      (first.closest(".field, td") || form).append(box);
      box.append(list);
      first.setAttribute("aria-invalid", "true");
      first.closest("details")?.setAttribute("open", "");
    }
    form.querySelector("[aria-invalid]")?.focus();
  }

  function tooLarge() {
    if (total() <= limit) return false;
    showErrors({ uploaded: [`These files are ${megabytes(total())}; an upload may have ${megabytes(limit)}.`] });
    return true;
  }

  input.addEventListener("change", () => {
    clearErrors();
    kept.value = "";
    chosen.replaceChildren(...[...input.files].map((file) => line(file.name, megabytes(file.size))));
    if (input.files.length > 1) chosen.append(line("Together", `${input.files.length} files, ${megabytes(total())}`));
    tooLarge();
  });

  function busy(on) {
    sending.hidden = !on;
    buttons.hidden = on;
    start.disabled = on;
  }

  function over(words) {
    busy(false);
    showErrors({ uploaded: [words] });
  }

  function answered(request) {
    let answer = null;
    try { answer = JSON.parse(request.responseText); } catch { /* a proxy's own page, told below */ }
    if (answer?.location) {
      window.location.assign(answer.location);
    } else if (answer?.errors) {
      if (answer.kept && input.files.length) {
        chosen.replaceChildren(...[...input.files].map((file) => line(file.name, "is on the server already")));
        input.value = "";
      }
      kept.value = answer.kept || "";
      busy(false);
      showErrors(answer.errors);
    } else if (request.status === 413) {
      over("A proxy in front of the server refuses files of this size. Tell whoever runs it, or use a folder of the server.");
    } else {
      over(`The server answered with an error (${request.status}). Nothing was loaded. Try again, or tell whoever runs it.`);
    }
  }

  // Whoever was signed out meanwhile shall learn it before the upload, not after; a new sign-in has a new token.
  async function signedIn() {
    const answer = await fetch(form.action, { cache: "no-store", redirect: "manual" });
    if (!answer.ok) return false;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    form.elements.csrfmiddlewaretoken.value = page.querySelector("[name=csrfmiddlewaretoken]").value;
    return true;
  }

  form.addEventListener("submit", async (event) => {
    if (!input.files.length) return; // small: the browser sends it
    event.preventDefault();
    clearErrors();
    if (tooLarge()) return;
    try {
      if (!await signedIn()) {
        over("You are no longer signed in. Sign in on another page, then press the button here again.");
        return;
      }
    } catch {
      over("The server does not answer. Check the connection and try again.");
      return;
    }
    const request = new XMLHttpRequest();
    const began = performance.now();
    request.upload.addEventListener("progress", ({ loaded, total: all }) => {
      const seconds = (performance.now() - began) / 1000;
      bar.value = (100 * loaded) / all;
      const left = seconds > 2 && loaded < all ? Math.round((seconds * (all - loaded)) / loaded) : null;
      const words = left === null ? "" : left < 60 ? ", less than a minute left" : `, about ${Math.round(left / 60)} min left`;
      text.textContent = loaded < all
        ? `Uploading: ${megabytes(loaded)} of ${megabytes(all)}${words}` : "Uploaded. The check begins…";
    });
    request.addEventListener("load", () => answered(request));
    request.addEventListener("error", () => over("The upload broke off, and nothing of it was kept. Check the connection and send the files again."));
    request.addEventListener("abort", () => over("You stopped the upload, and nothing of it was kept."));
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    $("sending-stop").onclick = () => request.abort();
    bar.value = 0;
    text.textContent = "Uploading…";
    busy(true);
    request.send(new FormData(form));
  });

  window.addEventListener("pageshow", () => busy(false)); // back from the next page
  const drop = $("drop");
  for (const kind of ["dragover", "dragleave", "drop"]) {
    drop.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", kind === "dragover");
      if (kind === "drop" && event.dataTransfer.files.length) {
        input.files = event.dataTransfer.files;
        input.dispatchEvent(new Event("change"));
      }
    });
  }
})();
