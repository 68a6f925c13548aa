// Asks every two seconds how far the job is; when it is over, shows the page anew, with what was found.
"use strict";

(() => {
  const section = document.getElementById("job-state");
  if (!section) return;
  const [bar, phase, percent, numbers, cancel] =
    ["job-progress", "job-phase", "job-percent", "job-numbers", "job-cancel"].map((id) => document.getElementById(id));
  let failures = 0;

  const say = (element, words) => {
    if (element.textContent !== words) element.textContent = words; // a screen reader speaks only what has changed
  };

  async function ask() {
    try {
      const response = await fetch(section.dataset.progressUrl, { cache: "no-store" });
      if (!response.ok) throw new Error(String(response.status));
      const job = await response.json();
      failures = 0;
      if (job.over) {
        window.location.reload();
        return;
      }
      if (job.percent === null) bar.removeAttribute("value");
      else bar.value = job.percent;
      say(phase, job.phase);
      say(percent, job.percent === null ? "" : `${job.percent} %`);
      say(numbers, job.numbers || " ");
      if (job.dead && cancel) {
        cancel.disabled = false; // a worker that is gone hears no cancel; asked again, the job ends
        say(cancel, "Cancel");
      }
    } catch {
      failures += 1;
      if (failures > 5) say(phase, "The server does not answer. Asking again…");
    }
    window.setTimeout(ask, failures > 5 ? 10_000 : 2_000);
  }

  window.setTimeout(ask, 1_000);
})();
