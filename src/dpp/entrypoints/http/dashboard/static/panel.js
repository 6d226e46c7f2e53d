// The panel beside a dashboard: the explanation of a figure, as its own page has it. Focus, Escape and what lies behind
// are the business of the dialog element.
let panel;
let opener = "";
let waiting;

function build() {
  panel = document.createElement("dialog");
  panel.className = "panel";
  panel.id = "panel";
  panel.setAttribute("aria-labelledby", "explain-title");
  panel.innerHTML =
    '<div class="panel-bar"><a class="panel-page">Open as a page</a>' +
    '<button type="button" class="panel-close" aria-label="Close the explanation">Close</button></div>' +
    '<div class="panel-body" tabindex="-1"></div>';
  document.body.append(panel);
  panel.querySelector(".panel-close").addEventListener("click", () => panel.close());
  panel.addEventListener("click", (event) => {
    if (event.target === panel) panel.close(); // beside it
    const link = event.target.closest("a[data-in-panel]");
    if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    load(link.href).catch(() => location.assign(link.href));
  });
  panel.addEventListener("close", () => {
    waiting?.abort();
    // The card may have been exchanged meanwhile: its link has the same name.
    document.getElementById(opener)?.focus({ preventScroll: true });
  });
}

function styled(address) {
  if (document.querySelector(`link[href="${address}"]`)) return Promise.resolve();
  return new Promise((done) => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = address;
    link.onload = link.onerror = done;
    document.head.append(link);
  });
}

async function load(address) {
  waiting?.abort();
  waiting = new AbortController();
  const { signal } = waiting;
  const wanted = new URL(address, location.href);
  const body = panel.querySelector(".panel-body");
  body.setAttribute("aria-busy", "true");
  panel.querySelector(".panel-page").href = wanted.href;
  let answer;
  try {
    answer = await fetch(`/fragments${wanted.pathname}${wanted.search}`, { headers: { "HX-Current-URL": location.href }, signal });
  } catch (error) {
    if (signal.aborted) return; // closed, or something else was asked for
    throw error;
  }
  const elsewhere = answer.headers.get("hx-redirect");
  if (elsewhere) return location.assign(elsewhere);
  if (!answer.ok) throw new Error(answer.statusText);
  body.innerHTML = await answer.text();
  body.removeAttribute("aria-busy");
  if (signal.aborted) return;
  const target = (wanted.hash && document.getElementById(wanted.hash.slice(1))) || null;
  if (target) target.scrollIntoView();
  else body.scrollTop = 0;
  (target?.querySelector("[tabindex], a") ?? document.getElementById("explain-title"))?.focus({ preventScroll: true });
}

export async function show(link, style) {
  if (!panel) build();
  opener = link.id;
  panel.querySelector(".panel-body").innerHTML = '<p class="panel-wait" role="status">Looking behind the number …</p>';
  await styled(style);
  if (!panel.open) panel.showModal();
  try {
    await load(link.href);
  } catch (error) {
    panel.close();
    throw error;
  }
}
