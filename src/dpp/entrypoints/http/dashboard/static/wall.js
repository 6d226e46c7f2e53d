// Keeps the wall screen true with nobody at the keyboard: it looks again each minute (days end, sprints run out), shows
// the next streams where they do not fit on one screen, and says so in large letters when its figures have become old.
(() => {
  "use strict";
  const LOOK_MS = 60_000;
  const TURN_MS = 20_000;
  const OLD_MS = 150_000; // more than two looks missed
  const MINUTE_MS = 60_000;

  const zone = () => document.querySelector("[data-topics]");
  let seen = Date.now();

  function tellAge() {
    const note = document.getElementById("wall-old");
    const age = Date.now() - seen;
    const isOld = age > OLD_MS && !("isPast" in (zone()?.dataset ?? {}));
    if (isOld) note.textContent = `These figures are ${Math.floor(age / MINUTE_MS)} minutes old. The platform cannot be reached.`;
    note.hidden = !isOld;
  }

  document.addEventListener("htmx:afterSwap", () => {
    seen = Date.now();
    tellAge();
  });

  setInterval(() => {
    tellAge();
    const shown = zone();
    if (shown && !("isPast" in shown.dataset)) htmx.trigger(shown, "refresh");
  }, LOOK_MS);

  setInterval(() => {
    const next = zone()?.dataset.next;
    if (next) htmx.ajax("GET", next, { target: "#zone-wall", swap: "outerHTML" });
  }, TURN_MS);
})();
