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

if (location.hash) document.getElementById(location.hash.slice(1))?.focus();

// The next picture is prepared while this one is looked at.
window.addEventListener("load", () => {
  const next = document.querySelector("a[rel=next]");
  if (next) new Image().src = next.getAttribute("href").replace("/picture/", "/original/");
});
