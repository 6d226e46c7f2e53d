import subprocess
import sys

# Runs in an interpreter of its own: this one has long imported what is to be forbidden.
PROGRAM = """
import importlib, importlib.abc, pkgutil, sys
import numpy

refused = []


class OnlyNumpy(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        ours = name == "dpp" or name == "dpp.domain" or name.startswith("dpp.domain.")
        top = name.partition(".")[0]
        # Python's own list leaves out the module that was generated when it was built.
        standard = top in sys.stdlib_module_names or top.startswith("_sysconfigdata")
        if not ours and not standard and top != "numpy":
            refused.append((importer(), name))
            raise ModuleNotFoundError(f"{name} is neither standard library nor numpy", name=name)
        return None


def importer():
    frame = sys._getframe(2)
    while "importlib" in frame.f_code.co_filename:
        frame = frame.f_back
    return frame.f_globals["__name__"]


sys.meta_path.insert(0, OnlyNumpy())
names = ["dpp.domain"]
for name in names:
    module = importlib.import_module(name)
    print(name)
    names += [found.name for found in pkgutil.iter_modules(getattr(module, "__path__", ()), name + ".")]
for name in sys.argv[1:]:
    importlib.import_module(name)
# What the domain tried to import and did without counts as well; the standard library may try what it likes.
tried = [attempt for attempt in refused if attempt[0].startswith("dpp")]
sys.exit(f"refused: {tried}" if tried else 0)
"""


def run_with_numpy_only(*also: str) -> subprocess.CompletedProcess[str]:
    """Import every module of the domain, then those of `also`, where only the standard library and numpy exist."""
    command = [sys.executable, "-W", "error", "-c", PROGRAM, *also]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_the_domain_needs_nothing_but_numpy() -> None:
    """Every module of the domain imports where only the standard library and numpy exist."""
    done = run_with_numpy_only()

    assert 0 == done.returncode, done.stderr
    assert {"dpp.domain", "dpp.domain.errors"} <= set(done.stdout.split())


def test_the_proof_would_notice_another_library() -> None:
    """An import of an installed third-party library is refused in the same setting."""
    done = run_with_numpy_only("msgspec")

    assert 1 == done.returncode
    assert "msgspec is neither standard library nor numpy" in done.stderr


def test_the_proof_would_notice_another_layer() -> None:
    """An import of another layer is refused in the same setting."""
    done = run_with_numpy_only("dpp.application")

    assert 1 == done.returncode
    assert "dpp.application is neither standard library nor numpy" in done.stderr
