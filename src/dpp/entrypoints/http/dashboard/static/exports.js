// Takes a chart away as SVG or PNG: drawn here for those that the browser draws, fetched for those that the server does.
// A picture has its title, whose figures they are and when; nothing is sent anywhere.
const SIZE = { width: 960, height: 420 };
const HEAD = 76;
const SHARP = 2; // pixels of a PNG for each of the picture's

const escaped = (text) => text.replace(/[&<>"]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[sign]);

function note(button) {
  const card = button.closest(".card");
  const facts = [...(card?.querySelectorAll(".facts > span") ?? [])].map((fact) => {
    const moment = fact.querySelector("time")?.title; // with its day, which the card leaves out
    return moment ? `as of ${moment}` : fact.textContent.trim();
  });
  return [document.querySelector("h1")?.textContent.trim(), ...facts].filter(Boolean).join(" · ");
}

// Attributes instead of styles: what opens the file may know no styles, or forbid them.
const attributed = (svg) =>
  svg
    .replace(/<style[^>]*>[\s\S]*?<\/style>/g, "")
    .replace(/ class="[^"]*"/g, "")
    .replace(/ style="([^"]*)"/g, (_, css) => css.split(";").filter(Boolean).map((rule) => {
      const [name, ...value] = rule.split(":");
      return ` ${name.trim()}="${value.join(":").trim()}"`;
    }).join(""));

function drawn(button) {
  const { chartOf, title } = button.dataset;
  const { text, description, surface, ink, soft } = window.dppPicture(chartOf, SIZE);
  const family = escaped(getComputedStyle(document.body).fontFamily.replaceAll('"', "'"));
  const height = HEAD + SIZE.height + 20;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${SIZE.width}" height="${height}" viewBox="0 0 ${SIZE.width} ${height}" font-family="${family}" role="img">
<title>${escaped(title)}</title><desc>${escaped(description)}</desc>
<rect width="100%" height="100%" fill="${surface}"/>
<text x="24" y="34" font-size="20" font-weight="bold" fill="${ink}">${escaped(title)}</text>
<text x="24" y="56" font-size="13" fill="${soft}">${escaped(note(button))}</text>
<svg x="24" y="${HEAD}" width="${SIZE.width - 48}" height="${SIZE.height}" viewBox="0 0 ${SIZE.width} ${SIZE.height}">${attributed(text)}</svg>
</svg>`;
}

async function fetched(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(answer.statusText);
  return answer.text();
}

function painted(svg) {
  return new Promise((done, failed) => {
    const image = new Image();
    image.onerror = () => failed(new Error("the picture cannot be painted"));
    image.onload = () => {
      const canvas = document.createElement("canvas");
      canvas.width = image.naturalWidth * SHARP;
      canvas.height = image.naturalHeight * SHARP;
      canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
      canvas.toBlob((blob) => (blob ? done(blob) : failed(new Error("the picture is empty"))), "image/png");
    };
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  });
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

export async function take(button) {
  const { export: kind, source, title } = button.dataset;
  const svg = source ? await fetched(source) : drawn(button);
  const name = `dpp-${title.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "")}.${kind}`;
  save(kind === "png" ? await painted(svg) : new Blob([svg], { type: "image/svg+xml" }), name);
}
