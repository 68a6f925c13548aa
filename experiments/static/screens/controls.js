// Sliders, and what changed since the first answer.
const fire = (input) => input.dispatchEvent(new Event("input", { bubbles: true }));

for (const slider of document.querySelectorAll("[data-slider]")) {
  const number = document.getElementById(slider.dataset.slider);
  const none = slider.ariaValueText;
  const take = () => { number.value = slider.value; fire(number); };
  const follow = () => {
    const value = parseFloat(number.value.replace(",", "."));
    slider.toggleAttribute("data-untouched", isNaN(value));
    slider.ariaValueText = isNaN(value) ? none : null;
    slider.value = value || 0;
  };
  slider.addEventListener("input", take);
  // The lowest value, where an untouched slider stands, is no "input" of a browser.
  const touched = ({ key }) => { if (slider.matches("[data-untouched]") && !/^(Tab|Shift)/.test(key)) take(); };
  slider.addEventListener("click", touched);
  slider.addEventListener("keyup", touched);
  number.addEventListener("input", follow);
  follow();
}

for (const question of document.querySelectorAll("[data-first]")) {
  const first = JSON.parse(question.dataset.first);
  const [changed, keep] = question.querySelectorAll("[data-changed], [data-keep]");
  const inputs = [...question.querySelectorAll("[name]")];
  const boxes = inputs.filter(({ type }) => /radio|checkbox/.test(type));
  const mark = () => {
    const now = (boxes[0] ? boxes.filter((box) => box.checked) : inputs).map((input) => input.value.trim());
    keep.hidden = now.length === first.length && now.every((value) => first.includes(value));
    changed.hidden = keep.hidden || !now.join("");
  };
  keep.addEventListener("click", () => {
    for (const box of boxes) box.checked = first.includes(box.value);
    if (!boxes[0]) inputs[0].value = first[0];
    fire(inputs[0]);
    (boxes.find((box) => box.checked) || inputs[0]).focus();
  });
  question.addEventListener("input", mark);
  mark();
}
