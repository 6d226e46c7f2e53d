"""The npm package `axe-core`: the usual rules of accessible pages, run inside a page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from playwright.sync_api import Page

from tests.support import node_packages

SOURCE = Path(__file__).parent / "axe"
RUN = """async (options) => {
  const told = (node) => `${node.html.slice(0, 200)} (${node.any.map((one) => one.message).join("; ")})`;
  const found = await axe.run(document, { resultTypes: ["violations"], ...options });
  return found.violations.map((rule) => `${rule.id}: ${rule.help}: ${rule.nodes.slice(0, 3).map(told).join(" | ")}`);
}"""
EVERYTHING: Mapping[str, object] = MappingProxyType({})
COLOURS: Mapping[str, object] = MappingProxyType({"runOnly": ["color-contrast", "link-in-text-block"]})
"""What another theme can break."""
LAYOUT: Mapping[str, object] = MappingProxyType(
    {
        "runOnly": [
            *("target-size", "scrollable-region-focusable", "aria-hidden-focus", "region", "page-has-heading-one"),
            *("button-name", "link-name", "label", "image-alt", "svg-img-alt", "skip-link"),
        ]
    }
)
"""What another width can break, where things are hidden, moved or made smaller."""


def script(node: str) -> str:
    """Return the rules as a script; raises ``NotInstallable`` when they are not here and cannot be fetched."""
    folder = node_packages.installed(node, SOURCE)
    return (folder / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")


def violations(page: Page, rules: str, *, about: Mapping[str, object] = EVERYTHING) -> list[str]:
    """Return every rule of all that axe knows which the page breaks, with the first places."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(rules)
    found: list[str] = page.evaluate(RUN, dict(about))
    return found
