// The regression report: filter by status and name, and open a case that a link points to.
"use strict";
const buttons = [...document.querySelectorAll(".filters button")];
const search = document.querySelector(".filters input");
const items = [...document.querySelectorAll("[data-name]")];

function filter() {
  const status = buttons.find((button) => button.getAttribute("aria-pressed") === "true").dataset.status;
  const words = search.value.trim().toLowerCase();
  for (const item of items) {
    const fits = status === "all" || item.dataset.status === status;
    item.hidden = !(fits && item.dataset.name.toLowerCase().includes(words));
  }
}

function follow() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target instanceof HTMLDetailsElement) {
    target.open = true;
    target.scrollIntoView();
  }
}

for (const button of buttons) {
  button.addEventListener("click", () => {
    for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
    filter();
  });
}
search.addEventListener("input", filter);
addEventListener("hashchange", follow);
follow();
