"""The one gate between data and anything a browser or another program parses: text in, inert text out."""

from __future__ import annotations

import html
import json
import re

# Control characters HTML forbids; tab and line feed stay.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f]")


def safe(value: object) -> str:
    """``value`` as text that is inert anywhere in the page's HTML.

    The one gate between data and HTML: markup and quotes are escaped, so are the back quote and
    the dollar sign that would open a JavaScript template, and characters HTML forbids become the
    replacement character.
    """
    text = html.escape(plain_text(value), quote=True)
    return text.replace("`", "&#96;").replace("$", "&#36;").replace("{", "&#123;").replace("}", "&#125;")


def plain_text(value: object) -> str:
    """``value`` as text a UTF-8 file can hold: lone surrogates and control characters replaced."""
    text = str(value).encode("utf-8", "replace").decode("utf-8")
    return _CONTROL.sub("\ufffd", text)


def script_json(value: object) -> str:
    """JSON that may stand inside a script element: nothing in it can end the element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
