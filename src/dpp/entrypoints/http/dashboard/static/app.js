// Keeps an open page true: parts look again when their kind of figure changed, and nobody loses what they were doing.
(() => {
  "use strict";
  const RETRY_MS = 5000;
  const SELECTOR = "[data-topics]";

  // --- The state of the connection, in words -------------------------------------------------------------------

  const WORDS = {
    connecting: "Connecting",
    live: "Live",
    lost: "Connection lost, trying again",
    stale: "Could not refresh, trying again",
  };
  let wasLost = false;

  function tell(state) {
    const live = document.getElementById("live");
    if (!live || live.dataset.state === state) return;
    live.dataset.state = state;
    live.querySelector(".live-word").textContent = WORDS[state];
  }

  document.addEventListener("htmx:sseOpen", () => {
    tell("live");
    if (wasLost) refreshAll(); // what happened meanwhile was told to nobody here
    wasLost = false;
  });

  document.addEventListener("htmx:sseError", () => {
    wasLost = true;
    tell("lost");
  });

  // --- News, and the parts that they concern ---------------------------------------------------------------------

  function refresh(zone) {
    htmx.trigger(zone, "refresh");
  }

  function refreshAll() {
    document.querySelectorAll(SELECTOR).forEach(refresh);
  }

  function concerns(zone, topics) {
    const mine = zone.dataset.topics.split(" ");
    return mine.includes("*") || topics.some((topic) => mine.includes(topic));
  }

  document.addEventListener("htmx:sseBeforeMessage", (event) => {
    event.preventDefault(); // the message says what changed; it is nothing to show
    const topics = event.detail.data.split(",");
    document.querySelectorAll(SELECTOR).forEach((zone) => concerns(zone, topics) && refresh(zone));
  });

  // --- Exchanging a part without disturbing its reader ------------------------------------------------------------

  let open = new Set();
  const waiting = new Set();

  function selectionIn(element) {
    const selection = document.getSelection();
    return !selection.isCollapsed && element.contains(selection.anchorNode);
  }

  function isWritingIn(element) {
    const field = document.activeElement;
    return field?.matches?.("input, select") && element.contains(field) && field.value !== field.defaultValue;
  }

  document.addEventListener("htmx:beforeSwap", (event) => {
    const { target, requestConfig, xhr } = event.detail;
    if (!target) return;
    const byItself = requestConfig.triggeringEvent?.type === "refresh";
    if (byItself && xhr.status === 200 && (selectionIn(target) || isWritingIn(target))) {
      event.detail.shouldSwap = false; // somebody is copying from it, or writing into it: later
      waiting.add(target.id);
      return;
    }
    if (!byItself && [404, 422, 500, 503].includes(xhr.status)) {
      location.assign(requestAddress(event.detail)); // the page of the problem, with its own address
      return;
    }
    open = new Set([...target.querySelectorAll("details[open]")].map((details) => details.id));
  });

  function requestAddress(detail) {
    return detail.pathInfo.finalRequestPath || detail.pathInfo.requestPath;
  }

  document.addEventListener("htmx:afterSwap", () => {
    open.forEach((id) => document.getElementById(id)?.setAttribute("open", ""));
    open.clear();
    const title = document.getElementById("content")?.dataset.title;
    if (title) document.title = title;
  });

  document.addEventListener("htmx:afterRequest", (event) => {
    const live = document.getElementById("live");
    if (event.detail.successful && live?.dataset.state === "stale") tell("live");
  });

  function catchUp() {
    if (!waiting.size || !document.getSelection().isCollapsed) return;
    const zones = [...waiting].map((id) => document.getElementById(id)).filter((zone) => zone && !isWritingIn(zone));
    zones.forEach((zone) => waiting.delete(zone.id));
    zones.forEach(refresh);
  }
  document.addEventListener("selectionchange", catchUp);
  document.addEventListener("focusout", () => setTimeout(catchUp, 1000));

  function tryAgain(event) {
    const zone = event.detail.elt;
    if (!zone.matches(SELECTOR) || event.detail.xhr?.status === 401) return;
    if ([404, 422].includes(event.detail.xhr?.status)) {
      location.reload(); // what the page asks for is no more: its own answer says why
      return;
    }
    tell("stale");
    setTimeout(() => document.contains(zone) && refresh(zone), RETRY_MS);
  }
  ["htmx:responseError", "htmx:sendError", "htmx:timeout"].forEach((name) => document.addEventListener(name, tryAgain));

  // --- Filters -----------------------------------------------------------------------------------------------------

  // Who does not see the page change is told that it did, and that it is about to.
  const said = document.createElement("p");
  said.className = "visually-hidden";
  said.setAttribute("role", "status");
  document.body.prepend(said);

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.elt.id === "filters") event.detail.target.setAttribute("aria-busy", "true");
  });

  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id === "content") said.textContent = `${document.querySelector("h1").textContent}: figures shown`;
  });

  ["htmx:sendError", "htmx:timeout"].forEach((name) =>
    document.addEventListener(name, (event) => {
      if (event.detail.elt.id !== "filters") return;
      event.detail.target.removeAttribute("aria-busy");
      said.textContent = "The figures could not be fetched. Choose again.";
      tell("stale");
    }),
  );

  const DEFAULTS = new Set(["stream", "tech_stream", "as_of", "days"]);

  document.addEventListener("htmx:configRequest", (event) => {
    const { id } = event.detail.elt;
    if (id === "what-if") [...event.detail.formData].forEach(([name, value]) => value === "" && event.detail.formData.delete(name));
    if (id !== "filters") return;
    const sent = event.detail.formData;
    if (sent.get("window") === "custom" && sent.get("days")) sent.set("window", sent.get("days"));
    sent.delete("days");
    if (sent.get("window") === "custom") sent.delete("window");
    DEFAULTS.forEach((name) => sent.get(name) === "" && sent.delete(name));
    const boxes = document.querySelectorAll("#filters [name=zones]");
    if (sent.getAll("zones").length === boxes.length) sent.delete("zones");
  });

  document.addEventListener("htmx:confirm", (event) => {
    // "Other" says nothing yet: wait for the number.
    if (event.detail.elt.id !== "filters") return;
    const form = event.detail.elt;
    if (form.elements.window.value === "custom" && !form.elements.days.value) {
      event.preventDefault();
      form.elements.days.focus();
    } else if (!form.reportValidity()) {
      event.preventDefault();
    }
  });

  document.addEventListener("input", (event) => {
    if (event.target.id === "days" && event.target.value) {
      document.querySelector("#filters [name=window][value=custom]").checked = true;
    }
  });

  // --- What is fetched only when somebody asks for it ------------------------------------------------------------------

  const later = document.querySelector('meta[name="dpp-later"]').dataset;

  document.addEventListener("click", async (event) => {
    const link = event.target.closest?.("a[data-panel]");
    if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    try {
      const panel = await import(later.panel);
      await panel.show(link, later.panelStyle);
    } catch {
      location.assign(link.href); // the same is there as a page of its own
    }
  });

  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("button[data-export]");
    if (!button) return;
    button.disabled = true;
    try {
      await (await import(later.exports)).take(button);
    } catch {
      button.textContent = "failed";
    } finally {
      button.disabled = false;
    }
  });

  // --- On paper, every table ---------------------------------------------------------------------------------------

  let unfolded = [];
  window.addEventListener("beforeprint", () => {
    unfolded = [...document.querySelectorAll("details.numbers:not([open])")];
    unfolded.forEach((details) => details.setAttribute("open", ""));
  });
  window.addEventListener("afterprint", () => unfolded.forEach((details) => details.removeAttribute("open")));
})();
