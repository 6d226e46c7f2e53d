"""Free texts that are kept, without the people whom they address (§4.6): e-mail addresses and mentions go.

A name written out in prose is not recognised; only what a machine can tell to be somebody's address is taken out.
"""

from __future__ import annotations

import re

#: Without any bracket that belongs to a mention, lest it complete one.
REMOVED = "(removed)"

# Each pattern begins where a word begins, so that a long text of nothing but letters is looked at once and not squared.
_CREDENTIALS = re.compile(r"(?<=://)[^\s/]*@")
_ADDRESS = re.compile(r"(?<![\w.+%'-])[\w.+'-]+(?:%[\w.+'-]+)*?(?:@|%40)(?:[\w-]+\.)*[^\W\d_][\w-]*(?:\.[\w-]+)*")
_WIKI_MENTION = re.compile(r"\[~[^\]\n]{1,256}\]")
_CHAT_MENTION = re.compile(r"<[@!][^>\n]{1,256}>")
_MENTION = re.compile(r"(?<!\w)@\w[\w-]*(?:[./][\w-]+)*")


def scrub(text: str) -> str:
    """
    Return the text with ``REMOVED`` in place of e-mail addresses and of mentions of people and teams.

    Mentions are ``@alice``, ``@org/team``, Jira's ``[~alice]`` and chat systems' ``<@U024BE7LH>``. User names and
    passwords in web addresses go without a trace. A package with a version (``left-pad@1.3.0``) is not an address and
    stays; one with a scope (``@babel/core``) looks like a mention and goes.
    """
    text = _CREDENTIALS.sub("", text)
    for pattern in (_WIKI_MENTION, _CHAT_MENTION, _ADDRESS, _MENTION):
        text = pattern.sub(REMOVED, text)
    return text
