// Runs before the first paint, so that a chosen theme does not flash: everything else waits in app.js and charts.js.
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("js");
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone; // moments are told in the reader's own
  if (zone) document.cookie = `dpp_zone=${zone}; path=/; max-age=31536000; samesite=lax`;
  const KEY = "dpp-theme";
  const CHOICES = ["system", "light", "dark"];

  const stored = () => {
    try {
      const value = localStorage.getItem(KEY);
      return CHOICES.includes(value) ? value : "system";
    } catch {
      return "system"; // storage may be forbidden; the system's theme needs none
    }
  };

  const isAsked = root.hasAttribute("data-theme-asked"); // by the address, which a screen on a wall obeys
  const apply = (choice) => {
    if (isAsked) return;
    if (choice === "system") delete root.dataset.theme;
    else root.dataset.theme = choice;
  };

  apply(stored());

  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    if (!button) return;
    let choice = stored();
    const name = () => {
      button.querySelector(".theme-word").textContent = `Theme: ${choice}`;
      button.setAttribute("aria-label", `Theme: ${choice}. Change`);
    };
    name();
    button.addEventListener("click", () => {
      choice = CHOICES[(CHOICES.indexOf(choice) + 1) % CHOICES.length];
      try {
        if (choice === "system") localStorage.removeItem(KEY);
        else localStorage.setItem(KEY, choice);
      } catch {
        // the choice then lasts for this page only
      }
      apply(choice);
      name();
      document.dispatchEvent(new CustomEvent("dpp:theme"));
    });
  });
})();
