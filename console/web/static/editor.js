// The editor of the rulebook: line numbers beside the text, and links of faults that lead to their place.
"use strict";

const text = document.getElementById("f-text");
const numbers = document.querySelector(".numbered .numbers");

function number() {
  const lines = text.value.split("\n").length;
  if (Number(numbers.dataset.lines) === lines) return;
  numbers.dataset.lines = lines;
  numbers.textContent = Array.from({ length: lines }, (_, at) => at + 1).join("\n");
}

function goToPlace(line, column) {
  const before = text.value.split("\n").slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
  const at = before + column - 1;
  text.focus();
  text.setSelectionRange(at, at + 1);
  const height = parseFloat(getComputedStyle(text).lineHeight);
  text.scrollTop = Math.max(0, (line - 5) * height);
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-line]");
  if (!link) return;
  event.preventDefault();
  goToPlace(Number(link.dataset.line), Number(link.dataset.column));
});

text.addEventListener("input", number);
text.addEventListener("scroll", () => { numbers.scrollTop = text.scrollTop; });
number();
