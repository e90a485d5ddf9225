"""Where each published layer comes from: owner, licence and day of observation, or the layers it was computed from.

Said on the site's page about itself. The facts are those of the source cards, as the run's manifest
keeps them; what a card says of a layer above the profile's class is withheld, and so is a text that
holds a path or a way to reach somebody.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from gis_renovation.display import WITHHELD, plain_text
from gis_renovation.maps.encoding import layer_label
from gis_renovation.publish.disclosure import personal_kinds, sources_of
from gis_renovation.run import Manifest, SourceRecord
from gis_renovation.schemas import CLASSES, Disclosure
from gis_renovation.words import Lang, Text

# Drives, shares, folders, e-mail addresses, telephone numbers with or without their area code.
# Eight digits that read as a day are none.
_PLACE_OR_CONTACT = re.compile(
    r"[A-Za-z]:[\\/]|\\\\|file:|(?:^|[\s（(：:~.])/\w|\w/\w+/\w|@"
    r"|(?<!\d)0\d{2,3}[-— ]?\d{7,8}(?!\d)|(?<![\d.])(?!(?:19|20)\d{6}(?!\d))\d{7,8}(?![\d.])"
)
_WEB_ADDRESS = re.compile(r"https?://[\w.-]+(?:/[\w./-]*)?")

NOT_STATED = Text("未注明", "not stated")


class LayerSource(NamedTuple):
    """Facts of one layer as texts, "" where the card says nothing; ``made_from`` names layers it was computed from.

    ``withheld``: the names of facts that are known and not told. ``others``: whether it was computed
    from layers that are not published, too.
    """

    owner: str = ""
    licence: str = ""
    observed: str = ""
    withheld: frozenset[str] = frozenset()
    made_from: Sequence[str] = ()
    others: bool = False


def layer_sources(
    manifest: Manifest | None, published: Iterable[str], *, highest: Disclosure = "public"
) -> dict[str, LayerSource]:
    """What may be said of the source of each published layer, in the order given.

    ``manifest`` is that of the run, if one is known, ``highest`` the
    profile's class: a card above it, or without a class, is not quoted. A layer without card and
    step has no facts. O(layers x inputs).
    """
    names = list(published)
    cards = manifest.sources if manifest else {}
    made = {name for name, step in manifest.made.items() if step.inputs} if manifest else set()
    found = {}
    for name in names:
        if name in cards:
            found[name] = _card_source(cards[name], highest)
        elif manifest and name in made:
            roots = set(sources_of(name, manifest))
            told = tuple(root for root in names if root in roots)
            found[name] = LayerSource(made_from=told, others=bool(roots - set(told)))
        else:
            found[name] = LayerSource()
    return found


def _card_source(card: SourceRecord, highest: Disclosure) -> LayerSource:
    is_open = card.classification in CLASSES[: CLASSES.index(highest) + 1]
    facts = {key: plain_text(str(getattr(card, key) or "")) for key in ("owner", "licence", "observed")}
    withheld = frozenset(
        key
        for key, text in facts.items()
        if text and (not is_open or (key != "observed" and names_place_or_contact(text)))
    )
    told = {key: "" if key in withheld else text for key, text in facts.items()}
    return LayerSource(told["owner"], told["licence"], told["observed"], withheld)


def names_place_or_contact(text: str) -> bool:
    """Whether a text holds a path, a share, an e-mail address or a number to call; a web address is none."""
    rest = _WEB_ADDRESS.sub("", text)
    return bool(_PLACE_OR_CONTACT.search(rest) or personal_kinds(rest))


def source_cells(source: LayerSource, lang: Lang) -> list[str]:
    """Owner, licence and day of observation for people; of a computed layer one text, what it was computed from."""
    if source.made_from or source.others:
        return [_computed(source, lang)]
    return [
        WITHHELD.in_language(lang) if key in source.withheld else text or NOT_STATED.in_language(lang)
        for key, text in (("owner", source.owner), ("licence", source.licence), ("observed", source.observed))
    ]


def _computed(source: LayerSource, lang: Lang) -> str:
    names = [layer_label(name, lang) for name in source.made_from]
    if lang == "zh":
        others = "及未公开的图层" if names else "未公开的图层"
        return f"由{'、'.join(f'“{name}”' for name in names)}{others if source.others else ''}计算"
    return f"computed from {', '.join([*(f'“{name}”' for name in names), *['layers not published'] * source.others])}"


def facts_told(sources: Mapping[str, LayerSource]) -> list[str]:
    """Every text of a card that is said on purpose: it may equal a value that is withheld elsewhere."""
    return [text for one in sources.values() for text in (one.owner, one.licence, one.observed) if text]
