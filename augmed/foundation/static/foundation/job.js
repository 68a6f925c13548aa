// Asks every two seconds how far the job is; when it is over, shows the page anew, with its result.
"use strict";

(() => {
  const section = document.getElementById("job-state");
  const url = section && section.dataset.progressUrl;
  if (!url) return;
  const bar = document.getElementById("job-progress");
  const text = document.getElementById("job-text");
  let failures = 0;

  async function ask() {
    try {
      const response = await fetch(url, { headers: { Accept: "application/json" }, cache: "no-store" });
      if (!response.ok) throw new Error(String(response.status));
      const job = await response.json();
      failures = 0;
      if (job.over) {
        window.location.reload();
        return;
      }
      if (job.percent === null) bar.removeAttribute("value");
      else bar.value = job.percent;
      const parts = [job.status];
      if (job.percent !== null) parts.push(`${job.percent} %`);
      const line = parts.join(", ") + (job.message ? `: ${job.message}` : "");
      if (text.textContent !== line) text.textContent = line; // a screen reader speaks only what has changed
    } catch {
      failures += 1;
      if (failures > 5) {
        text.textContent = "The server does not answer. Reload the page to see the job.";
        return;
      }
    }
    window.setTimeout(ask, 2000);
  }

  window.setTimeout(ask, 2000);
})();
