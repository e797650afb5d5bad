// The page works without script. This copies a trace, and keeps a page up to date where the reader asks for it.
"use strict";

async function load(address) {
  const answer = await fetch(address);
  if (!answer.ok) {
    throw new Error(answer.status + " " + answer.statusText);
  }
  return answer.text();
}

function reveal() {
  for (const button of document.querySelectorAll("button[data-copy]")) {
    button.hidden = !navigator.clipboard;
  }
}

document.addEventListener("click", async event => {
  const button = event.target.closest("button[data-copy]");
  if (!button) {
    return;
  }
  const said = document.getElementById("copied");
  try {
    await navigator.clipboard.writeText(await load(button.dataset.copy));
    said.textContent = "Copied.";
  } catch (problem) {
    said.textContent = "Not copied: " + problem.message;
  }
});

const live = document.querySelector("button[data-live]");
const period = 5000; // milliseconds
let timer = 0;

// busy: the reader is choosing something, or marks text, which an update would take away.
function busy() {
  const main = document.querySelector("main");
  return main.contains(document.activeElement) && main !== document.activeElement || String(getSelection()) !== "";
}

async function update() {
  if (!busy()) {
    try {
      const fresh = new DOMParser().parseFromString(await load(location.href), "text/html").querySelector("main");
      if (!busy() && timer) {
        document.querySelector("main").replaceWith(fresh);
        reveal();
      }
      live.title = "";
    } catch (problem) {
      live.title = "Not up to date: " + problem.message;
    }
  }
  if (timer) {
    timer = setTimeout(update, period);
  }
}

function follow(on) {
  clearTimeout(timer);
  timer = on ? setTimeout(update, period) : 0;
  live.setAttribute("aria-pressed", String(on));
  sessionStorage.setItem("live", String(on));
}

live.hidden = false;
live.addEventListener("click", () => follow(!timer));
follow(sessionStorage.getItem("live") === "true");
reveal();
