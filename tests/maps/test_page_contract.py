"""What the page's scripts read is what its records name, and the other way round."""

from __future__ import annotations

import json
import re
from typing import get_type_hints

import pytest
from page_scripts import run_node

from gis_renovation.maps.encoding import block
from gis_renovation.maps.texts import WORDS

RECORDS = (
    "SymbolBlock",
    "MonthlyBlock",
    "ColumnBlock",
    "RelatedBlock",
    "RatesBlock",
    "MonthsBlock",
    "TilesBlock",
    "LayerBlock",
    "NamesBlock",
    "SearchBlock",
    "CountyBlock",
    "BasemapBlock",
    "SheetBlock",
    "PhotoBlock",
    "SettingsBlock",
)
# How the scripts call what they are given, and what their own functions give back.
NAMES = {
    "layer": "LayerBlock",
    "column": "ColumnBlock",
    "symbol": "SymbolBlock",
    "related": "RelatedBlock",
    "photo": "PhotoBlock",
    "source": "BasemapBlock",
    "index": "SearchBlock",
    "settings": "SettingsBlock",
    "tiles": "TilesBlock",
    "ui": "Words",
}
RESULTS = {
    ".read()": "LayerBlock",
    ".monthly()": "LayerBlock",
    ".layer()": "LayerBlock",
    ".tiles()": "TilesBlock",
    ".names()": "NamesBlock",
    ".settings": "SettingsBlock",
    ".tiles": "TilesBlock",
    ".symbol": "SymbolBlock",
    ".ui": "Words",
    "block(settings)": "SettingsBlock",
    "block(search-index)": "SearchBlock",
}
# In these files a name means something else.
STRANGERS = {"base.js": ["tiles"], "tiles.js": ["source"]}
# Fields that the program itself reads of a page that is finished (the leak search), or while it is made (legend, settings).
READ_BY_THE_PROGRAM = {
    "LayerBlock": {"view", "without_shape", "simplified", "units_of", "end_zoom"},
    "RelatedBlock": {"name"},
    "TilesBlock": {"searched"},
    "CountyBlock": {"count"},
}


def plain_type(hint):
    """A type as the reader of scripts writes it: without NotRequired, None and the modules' names."""
    text = re.sub(
        r"(typing\.|gis_renovation\.[\w.]+\.)", "", str(hint) if not isinstance(hint, type) else hint.__name__
    )
    text = re.sub(r"^NotRequired\[(.*)\]$", r"\1", text)
    return text.replace(" | None", "")


@pytest.fixture(scope="module")
def found():
    records = {
        name: {field: plain_type(hint) for field, hint in get_type_hints(getattr(block, name)).items()}
        for name in RECORDS
    }
    records["Words"] = dict.fromkeys(WORDS, "str")
    given = {"records": records, "names": NAMES, "results": RESULTS, "strangers": STRANGERS}
    answer = json.loads(run_node("contract.js", given=json.dumps(given)))
    return {name: (set(records[name]), set(answer["read"][name]), set(answer["written"][name])) for name in records}


@pytest.mark.parametrize("name", [*RECORDS, "Words"])
def test_scripts_read_no_field_that_the_record_does_not_name(found, name):
    fields, read, written = found[name]
    assert read - fields - written == set(), "neither in the record nor set by the scripts themselves"


@pytest.mark.parametrize("name", RECORDS)
def test_every_field_of_a_record_is_read(found, name):
    fields, read, _ = found[name]
    assert fields - read == READ_BY_THE_PROGRAM.get(name, set())
