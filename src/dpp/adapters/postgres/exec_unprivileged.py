"""Become somebody who is not root, arrange to die with the parent, then turn into another program.

``unprivileged.py`` runs it as a script: a fresh single-threaded interpreter may change its identity safely, which code
between fork and exec in a threaded process may not. Standard library only, because it runs without site-packages.

Arguments: ``UID GID NAMESPACE SIGNAL PARENT PROGRAM [ARGUMENT ...]``. NAMESPACE is 1 to be called UID inside a user
namespace of its own, 0 to change to UID for real. SIGNAL is what the program gets when process PARENT ends (Linux), 0
for nothing. Without PROGRAM the script ends with status 0: a probe whether the identity can be had.
"""

import ctypes
import os
import sys

CANNOT_CHANGE = 126
_CLONE_NEWUSER = 0x10000000
_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Change identity, arrange the death signal, execute the program."""
    uid, gid, namespace, death_signal, parent = (int(argument) for argument in arguments[:5])
    try:
        if namespace:
            _enter_namespace(uid, gid)
        elif uid != os.geteuid():
            _change_user(uid, gid)
        if death_signal:
            _die_with(parent, death_signal)
    except OSError as error:
        print(f"cannot become user {uid}: {error}", file=sys.stderr)
        sys.exit(CANNOT_CHANGE)
    program = arguments[5:]
    if program:
        os.execv(program[0], program)


def _enter_namespace(uid: int, gid: int) -> None:
    """Be called ``uid`` from here on, while files stay owned by whoever started us."""
    outer_uid, outer_gid = os.geteuid(), os.getegid()
    _call("unshare", _CLONE_NEWUSER)
    # The kernel lets a process map its own group only after it has given up setgroups.
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {outer_uid} 1"),
        ("gid_map", f"{gid} {outer_gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)


def _change_user(uid: int, gid: int) -> None:
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def _die_with(parent: int, death_signal: int) -> None:
    # After the change of identity, which clears it. The parent may have died before the kernel knew our wish.
    _call("prctl", _PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(CANNOT_CHANGE)


def _call(function: str, *arguments: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, function)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{function}: {os.strerror(number)}")


if __name__ == "__main__":
    main(sys.argv[1:])
