"""Weights that a project may set by name: of evidence, and of what candidates are ranked by."""

from __future__ import annotations

import math
from collections.abc import Mapping

from gis_renovation.errors import ConfigError
from gis_renovation.schemas import nearest_names
from gis_renovation.words import Text


def named_weights(
    given: Mapping[str, float] | None, usual: Mapping[str, float], *, parameter: str, called: Text
) -> dict[str, float]:
    """The usual weights with those given in their place.

    Raises ConfigError for a name that is none of theirs (``called`` says what they name), and for a weight that is
    not a number of at least 0. O(weights).
    """
    strange = [name for name in given or {} if name not in usual]
    if strange:
        near, named, known = nearest_names(strange[0], usual), ", ".join(strange), ", ".join(usual)
        raise ConfigError(
            f"{parameter} 中没有这种{called.zh}：{named}{f'；是否指 {near}？' if near else ''} 可用：{known}。",
            f"{parameter} names no {called.en}: {named}{f'; did you mean {near}?' if near else ''} Known: {known}.",
        )
    weights = {**usual, **(given or {})}
    wrong = ", ".join(
        f"{name} = {value:g}" for name, value in weights.items() if not (math.isfinite(value) and value >= 0)
    )
    if wrong:
        raise ConfigError(
            f"{parameter} 中的权重须为不小于 0 的数，现为 {wrong}。",
            f"Weights in {parameter} must be numbers of at least 0, found {wrong}.",
        )
    return weights
