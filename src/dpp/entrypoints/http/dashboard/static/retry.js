// A page that could not be had asks quietly whether it can be had now, and comes by itself: reloading in between would read
// the same sentence aloud again and again, and take the focus away.
(() => {
  "use strict";
  const seconds = Number(document.getElementById("content").dataset.retry);
  const ask = async () => {
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" } });
      if (answer.status !== 503) location.reload();
    } catch {
      // the server itself is away: later
    }
  };
  setInterval(ask, seconds * 1000);
})();
