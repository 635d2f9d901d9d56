// A stepper within a page follows the page's theme. (A page opened as a file may not look into its frames.)
"use strict";

function follow() {
  for (const frame of document.querySelectorAll("iframe.stepper")) {
    try {
      frame.contentDocument.documentElement.dataset.theme = document.documentElement.dataset.theme;
    } catch {
      // the frame keeps the system's theme
    }
  }
}

new MutationObserver(follow).observe(document.documentElement, { attributeFilter: ["data-theme"] });
for (const frame of document.querySelectorAll("iframe.stepper")) {
  frame.addEventListener("load", follow);
}
follow();
