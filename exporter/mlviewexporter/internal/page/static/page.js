// The page works without script. This copies a trace, nothing else.
"use strict";
for (const button of document.querySelectorAll("button[data-copy]")) {
  if (!navigator.clipboard) {
    break;
  }
  button.hidden = false;
  button.addEventListener("click", async () => {
    const said = document.getElementById("copied");
    try {
      const answer = await fetch(button.dataset.copy);
      if (!answer.ok) {
        throw new Error(answer.status + " " + answer.statusText);
      }
      await navigator.clipboard.writeText(await answer.text());
      said.textContent = "Copied.";
    } catch (problem) {
      said.textContent = "Not copied: " + problem.message;
    }
  });
}
