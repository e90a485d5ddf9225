"""A pipe's size as surveys write it: by the sign of a diameter, always millimetres; a section of two sides is none."""

import pandas as pd
import pytest

from gis_renovation.reading import to_field
from gis_renovation.schemas import layer_schema

SIZE = layer_schema("utility_lines").fields["diameter_mm"]


@pytest.mark.parametrize("unit", ["", "cm"])
@pytest.mark.parametrize(
    ("written", "mm"),
    [("DN200", 200), ("dn 150", 150), ("De110", 110), ("Φ300", 300), ("φ63.5mm", 63.5), ("ＤＮ２００", 200)],
)
def test_the_sign_of_a_diameter_means_millimetres(written: str, mm: float, unit: str) -> None:
    plain = 30.0 if not unit else 300.0
    assert to_field(pd.Series([written, "30"]), SIZE, unit=unit).values.tolist() == [mm, plain]


@pytest.mark.parametrize("written", ["300×400", "300*400", "DN", "DN200/300", "ADN200"])
def test_a_section_is_no_diameter_and_stays_as_written(written: str) -> None:
    assert to_field(pd.Series([written]), SIZE).values.tolist() == [written]


def test_other_numbers_have_no_such_sign() -> None:
    households = layer_schema("communities").fields["households"]
    assert to_field(pd.Series(["D200"]), households).values.tolist() == ["D200"]
