"""The gate to HTML: what templates make of data that would be markup."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from gis_renovation.display import html, render
from gis_renovation.words import Text


@pytest.fixture
def template(monkeypatch, tmp_path):
    """Writes the one template ``render`` finds."""
    monkeypatch.setattr(html, "shipped", lambda _name: tmp_path)
    html._environment.cache_clear()
    yield lambda text: (tmp_path / "page.html").write_text(text, encoding="utf-8")
    html._environment.cache_clear()


def test_data_is_text_in_elements_and_attributes(template):
    template('<p title="{{ name }}">{{ name }}</p>')
    page = render("page.html", lang="zh", name='"><script>alert(1)</script>')
    assert "<script" not in page
    assert page.count('"') == 2


def test_characters_no_page_may_hold_are_replaced(template):
    template("{{ name }}")
    assert render("page.html", lang="zh", name="a\x00\ud800") == "a\ufffd?"


def test_text_that_another_program_would_take_for_a_template_is_inert(template):
    template('<p title="{{ name }}">{{ name }}</p>')
    assert not set("`${}") & set(render("page.html", lang="zh", name="`${x}{{ y }}`"))


def test_a_template_may_be_broken_into_lines_for_its_readers_only(template):
    template("{# joined #}\n<ul>\n  {% for one in names %}\n    <li>{{ one }}</li>\n  {% endfor %}\n</ul>\n")
    assert render("page.html", lang="zh", names=["a\n b", "c"]) == "<ul><li>a\n b</li><li>c</li></ul>"


def test_a_forgotten_name_is_an_error(template):
    template("{{ title }}")
    with pytest.raises(UndefinedError):
        render("page.html", lang="zh")


@pytest.mark.parametrize(("lang", "said"), [("zh", "小区：道路&amp;河"), ("en", "community: road&amp;river")])
def test_a_template_speaks_one_language(template, lang, said):
    template('{{ say("小区", "community") }}{{ colon|said }}{{ name|said }}')
    page = render("page.html", lang=lang, colon=Text("：", ": "), name=Text("道路&河", "road&river"))
    assert page == said


# The program's own style sheet and script; nothing else may enter a page as it is.
UNESCAPED = {("site/page.html", "style"), ("site/page.html", "script")}


def test_no_template_leads_data_round_the_gate():
    """Autoescape is never off, what is passed as it is stands on the list, every attribute is quoted."""
    folder = Path(html.__file__).parent.parent / "page_templates"
    found = set()
    for path in sorted(folder.rglob("*.html")):
        name, text = path.relative_to(folder).as_posix(), path.read_text(encoding="utf-8")
        assert not re.search(r"autoescape|\bMarkup\b", text), name
        assert not re.search(r"""=\s*\{\{""", text), name
        marked = re.findall(r"\|\s*safe\b", text)
        passed = re.findall(r"\{\{ (\w+)\|safe \}\}", text)
        assert len(passed) == len(marked), name
        found |= {(name, value) for value in passed}
    assert found == UNESCAPED
