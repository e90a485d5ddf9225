"""Whether the classes on the source cards let a layer leave: its own card's, or those of all it was made from.

The schemas say what kind of layer and column an audience may see at all; the card says what its owner
says of these very data. Both must let a layer through. A layer of which no card is known stays behind.
Nothing leaves for the public that stands on a CRS nobody has confirmed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from gis_renovation.errors import ConfigError, Finding
from gis_renovation.reading import guessed_crs
from gis_renovation.run import Manifest, SourceRecord
from gis_renovation.schemas import CLASSES, layer_schemas, nearest_names
from gis_renovation.words import Text

# The cards' words on the scale of the profiles: work secrets may leave only where everything may.
CARD_RANKS = {"public": 0, "internal": 1, "work_secret": 2}


class Release(NamedTuple):
    """A card above a profile's class of which something leaves by the words of ``[release]``."""

    card: str
    classification: str
    layers: tuple[str, ...]


def sources_of(layer: str, manifest: Manifest) -> tuple[str, ...]:
    """The carded layers that ``layer`` is or was made from, directly or through other steps, sorted.

    A name that is neither carded nor a step's result stands for itself: nothing is known of it.
    """
    made = manifest.made
    found: set[str] = set()
    seen: set[str] = set()
    queue = [layer]
    while queue:
        name = queue.pop()
        if name in seen:
            continue
        seen.add(name)
        if name in made:
            queue += made[name].inputs
        else:
            found.add(name)
    return tuple(sorted(found))


def require_released(
    leaving: Iterable[str],
    manifest: Manifest,
    *,
    highest: str,
    released: Sequence[str] = (),
    approved_by: str = "",
    where: str = "maps/public.toml",
) -> list[Release]:
    """The cards above class ``highest`` whose data or results leave by an explicit release, by name.

    ``leaving`` names the layers an edition will hold, ``manifest`` is the run's (its sources and the
    inputs of its steps), ``released`` and ``approved_by`` are ``[release]`` of the profile ``where``. A
    released card of class internal may leave with all that is made from it; one of class work_secret
    never leaves itself, only what was made from it.

    Raises
    ------
    ConfigError
        With every card that stops a layer, its class and the layers; and for a release that nobody
        approved or of a layer that has no card. O(layers times steps).
    """
    sources = manifest.sources
    faults = _release_faults(released, approved_by, sources)
    touched: dict[str, list[str]] = {}
    for layer in sorted(leaving):
        for card in sources_of(layer, manifest):
            if _rank(card, sources) > CLASSES.index(highest):
                touched.setdefault(card, []).append(layer)
    told = []
    for card, layers in sorted(touched.items()):
        stated = _class_of(card, sources)
        held = layers if card not in released or stated not in CARD_RANKS else []
        if stated == "work_secret" and card in layers:
            held = held or [card]
        if held:
            faults.append(_held_back(card, stated, held, highest))
        else:
            told.append(Release(card, stated, tuple(layers)))
    if faults:
        raise _refusal(faults, highest, where)
    return told


def require_known_crs(
    leaving: Iterable[str], manifest: Manifest, *, highest: str, where: str = "maps/public.toml"
) -> list[Finding]:
    """A warning for each card whose CRS is a guess, of those that the layers ``leaving`` were made from.

    Raises ConfigError naming all of them where the class ``highest`` of the profile ``where`` is public: what
    everybody sees may not lie where nobody knows. O(layers times steps).
    """
    sources = manifest.sources
    cards = sorted({card for layer in leaving for card in sources_of(layer, manifest)})
    doubts = [guessed_crs(card, crs) for card in cards if card in sources and (crs := sources[card].crs_guessed)]
    if doubts and highest == "public":
        raise ConfigError(
            "\n".join([f"{where}：坐标系未核实，未发布任何内容：", *(f"  - {d.layer}：{d.text.zh}" for d in doubts)]),
            "\n".join(
                [
                    f"{where}: CRS not confirmed; nothing was published:",
                    *(f"  - {d.layer}: {d.text.en}" for d in doubts),
                ]
            ),
        )
    return doubts


def _class_of(card: str, sources: Mapping[str, SourceRecord]) -> str:
    return sources[card].classification if card in sources else ""


def _rank(card: str, sources: Mapping[str, SourceRecord]) -> int:
    """Of an unknown card or class: the highest."""
    return CARD_RANKS.get(_class_of(card, sources), max(CARD_RANKS.values()))


def _release_faults(released: Sequence[str], approved_by: str, sources: Mapping[str, SourceRecord]) -> list[Text]:
    faults = []
    if released and not approved_by.strip():
        zh = "[release] 写了 layers，没有写 approved_by：请写明由谁、凭什么同意公开"
        faults.append(Text(zh, "[release] names layers but no approved_by: say who allowed it, by what paper"))
    for name in released:
        if name not in sources:
            near = nearest_names(name, sources) or "—"
            zh = f"[release] layers：{name} 没有来源卡；是否指 {near}？"
            faults.append(Text(zh, f"[release] layers: {name} has no source card; did you mean {near}?"))
    return faults


def _held_back(card: str, stated: str, layers: Sequence[str], highest: str) -> Text:
    schemas = layer_schemas()
    zh = "、".join(schemas[name].label.zh if name in schemas else name for name in layers)
    if not stated:
        return Text(
            f"{card}：没有来源卡或未定级，视为不得对外；涉及 {zh}",
            f"{card}: no card or no classification, which means no; it holds back {', '.join(layers)}",
        )
    return Text(
        f'layers/{card}.toml：classification = "{stated}"，高于本配置的 {highest}；涉及 {zh}',
        f'layers/{card}.toml: classification = "{stated}" is above this profile\'s {highest}; '
        f"it holds back {', '.join(layers)}",
    )


def _refusal(faults: Sequence[Text], highest: str, where: str) -> ConfigError:
    return ConfigError(
        "\n".join(
            [
                f"{where}：来源卡的定级不允许发布，未发布任何内容，共 {len(faults)} 处：",
                *(f"  - {fault.zh}" for fault in faults),
                (
                    f"  处理办法（任选）：数据确可对外的，经提供单位同意，把该卡的 classification 改为 {highest}；"
                    "不必发布的，不列入 [layers]；定级不变而经审查同意发布的，在 "
                    f'{where} 写 [release]：layers = ["卡名"]、approved_by = "同意的单位和文号"'
                    "（work_secret 的原始图层本身不得发布，只能发布由它得出的成果）。"
                ),
            ]
        ),
        "\n".join(
            [
                f"{where}: the classes on the source cards forbid this; nothing was published, {len(faults)} faults:",
                *(f"  - {fault.en}" for fault in faults),
                (
                    f"  What to do: set classification to {highest} on a card whose owner agrees; or leave the "
                    f"layers out of [layers]; or, where a review allowed it, write [release] in {where} with "
                    "layers = [cards] and approved_by = who, by what paper "
                    "(a work_secret layer itself never leaves, only results)."
                ),
            ]
        ),
    )
