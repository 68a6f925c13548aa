"use strict";
// "Select all" on the page that exports a table: ticks or unticks every field.
document.getElementById("select-all-toggle")?.addEventListener("change", (event) => {
  document.querySelectorAll('.selectable-field-export-row input[type="checkbox"]').forEach((box) => {
    box.checked = event.target.checked;
  });
});
