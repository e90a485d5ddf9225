"""The one gate between data and anything a browser or another program parses: text in, inert text out."""

from __future__ import annotations

import html
import json
import re
from functools import cache
from typing import TYPE_CHECKING

from gis_renovation.shipped import shipped
from gis_renovation.words import Lang, Text

if TYPE_CHECKING:
    from jinja2 import Environment

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


def render(template: str, *, lang: Lang, **context: object) -> str:
    """The page or part of one that ``page_templates/`` holds under this name, filled with ``context``.

    Every value passes :func:`safe`; a name the context lacks is an error. Templates
    say words of their own by ``say("中文", "English")`` and a :class:`~gis_renovation.words.Text` by ``text|said``.
    A template that begins with ``{# joined #}`` is broken into lines for its readers only: a break between
    elements and the indent after it do not reach the page.
    """

    def say(zh: str, en: str) -> str:
        return Text(zh, en).in_language(lang)

    return _environment().get_template(template).render({**context, "lang": lang, "say": say})


@cache
def _environment() -> Environment:
    """The one jinja2 environment, made when a page is first written."""
    import jinja2
    from jinja2.ext import Extension
    from markupsafe import Markup

    def source(name: str) -> str:
        return (shipped("page_templates") / name).read_text(encoding="utf-8")

    def gate(value: object) -> object:
        return value if hasattr(value, "__html__") else Markup(safe(value))  # noqa: S704 - safe() is the gate

    @jinja2.pass_context
    def said(context: jinja2.runtime.Context, text: Text) -> str:
        return text.in_language(context["lang"])

    class Joined(Extension):
        def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:  # noqa: ARG002
            return re.sub(r"\n\s*", "", source) if source.startswith("{# joined #}\n") else source

    pages = jinja2.Environment(
        extensions=[Joined],
        loader=jinja2.FunctionLoader(source),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=gate,
    )
    pages.filters["said"] = said
    return pages
