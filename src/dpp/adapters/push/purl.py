"""Package URLs, ``pkg:type/namespace/name@version``, by which artefacts are named."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

_PURL = re.compile(
    r"pkg:/*(?P<type>[A-Za-z][A-Za-z0-9.+-]*)/(?P<path>[^@?#]+)(?:@(?P<version>[^?#]*))?(?:\?[^#]*)?(?:#.*)?"
)
_COMMIT = re.compile(r"[0-9a-f]{40}", re.IGNORECASE)
#: Where code of the code host lies, by the type of the package.
_HOSTS = {"github": "", "golang": "github.com/"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Purl:
    """
    What an artefact is called.

    Attributes:
        kind: the type in lower case, such as ``oci``.
        path: namespace and name, such as ``acme/api``.
        version: None when it is not told.
    """

    kind: str
    path: str
    version: str | None

    @classmethod
    def parse(cls, text: str | None) -> Purl | None:
        """Return the parts of a package URL; None when there is none, or the text is something else."""
        found = _PURL.fullmatch((text or "").strip())
        if found is None:
            return None
        return cls(
            kind=found["type"].lower(),
            path=unquote(found["path"]).strip("/"),
            version=unquote(found["version"] or "") or None,
        )

    @property
    def repository(self) -> str | None:
        """``organisation/repository``, where the package is one on GitHub."""
        host = _HOSTS.get(self.kind)
        if host is None or not self.path.startswith(host):
            return None
        parts = self.path.removeprefix(host).split("/")[:2]
        return "/".join(parts) if len(parts) == 2 and all(parts) else None

    @property
    def commit(self) -> str | None:
        """The commit, where the version of a package on GitHub is one."""
        is_commit = self.repository is not None and _COMMIT.fullmatch(self.version or "")
        return self.version if is_commit else None
