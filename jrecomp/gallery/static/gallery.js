// Keys: arrows move in a folder and between pictures, Enter opens, Escape goes up. Pages work without, too.
"use strict";

const grid = document.querySelector(".grid");

function follow(relation) {
  document.querySelector(`a[rel=${relation}]`)?.click();
}

function move(key) {
  const cells = document.querySelectorAll(".grid a");
  const columns = Number(getComputedStyle(grid).getPropertyValue("--columns"));
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns };
  const current = Array.prototype.indexOf.call(cells, document.activeElement);
  cells[current < 0 ? 0 : current + steps[key]]?.focus();
}

document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (event.key === "Escape") {
    follow("up");
  } else if (grid && event.key.startsWith("Arrow")) {
    move(event.key);
    event.preventDefault();
  } else if (!grid && event.key === "ArrowLeft") {
    follow("prev");
  } else if (!grid && event.key === "ArrowRight") {
    follow("next");
  }
});

// Thumbnails that were passed quickly are not waited for: they are asked for again when they come near.
const shown = new Set();
const near = new IntersectionObserver((changes) => {
  for (const { target, isIntersecting } of changes) {
    if (isIntersecting) shown.add(target);
    else if (!shown.delete(target)) continue;
    for (const image of target.querySelectorAll(isIntersecting ? "img[data-src]" : "img")) {
      if (isIntersecting) {
        image.src = image.dataset.src;
        delete image.dataset.src;
      } else if (!image.complete) {
        image.dataset.src = image.src;
        image.removeAttribute("src");
      }
    }
  }
}, { rootMargin: "100%" });
document.querySelectorAll(".grid").forEach((each) => near.observe(each));

// Further grids come as text, which takes browsers a tenth of the time. They become elements when they come near, and
// all of them when the browser has nothing else to do.
const folded = new Map();
const approached = new IntersectionObserver((changes) => {
  changes.filter((change) => change.isIntersecting).forEach(({ target }) => unfold(target));
}, { rootMargin: "200%" });
for (const text of document.querySelectorAll("main noscript")) {
  const place = document.createElement("ul");
  place.className = "grid folded";
  folded.set(place, text.textContent);
  text.replaceWith(place);
  approached.observe(place);
}

function unfold(place) {
  if (!folded.has(place)) return;
  const holder = document.createElement("template");
  holder.innerHTML = folded.get(place);
  folded.delete(place);
  const grid = holder.content.firstElementChild;
  place.replaceWith(grid);
  near.observe(grid);
}

function unfoldOne() {
  for (const place of folded.keys()) {
    unfold(place);
    window.requestIdleCallback?.(unfoldOne);
    return;
  }
}

if (location.hash) {
  const name = location.hash.slice(1);
  if (!document.getElementById(name)) [...folded.keys()].forEach(unfold);
  document.getElementById(name)?.focus();
}
window.addEventListener("load", () => window.requestIdleCallback?.(unfoldOne));

// The next picture is prepared while this one is looked at.
window.addEventListener("load", () => {
  const next = document.querySelector("a[rel=next]");
  if (next) new Image().src = next.getAttribute("href").replace("/picture/", "/original/");
});
