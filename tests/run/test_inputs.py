"""One layer, or the whole check of a project, as a notebook asks for them."""

from __future__ import annotations

import pytest

from gis_renovation.errors import ConfigError, DataError
from gis_renovation.run.fingerprints import fingerprint
from gis_renovation.run.inputs import check_project, read_layer
from gis_renovation.run.project import open_project


def test_a_layer_is_read_as_the_run_has_it(sample_folder, sample_run):
    project = open_project(str(sample_folder))
    for name in ("parks", "terrain"):
        assert fingerprint(read_layer(project, name)) == sample_run.manifest.sources[name].fingerprint
    with pytest.raises(ConfigError, match="parks"):
        read_layer(project, "park")


def test_a_layer_with_faults_is_refused_with_all_of_them(own_sample):
    card = own_sample / "layers" / "parks.toml"
    card.write_text(card.read_text("utf-8").replace("data/", "data/no-"), "utf-8")
    with pytest.raises(DataError) as refused:
        read_layer(open_project(own_sample), "parks")
    assert [finding.layer for finding in refused.value.findings] == ["parks"]


def test_a_check_tells_of_settings_layers_and_the_plan_in_one_list(own_sample):
    text = (own_sample / "project.toml").read_text("utf-8")
    text = text.replace("synthetic = true", "synthetic = false").replace("22595", "22596")
    (own_sample / "project.toml").write_text(text, "utf-8")
    codes = [finding.code for finding in check_project(open_project(own_sample)).findings]
    assert "target_missed" in codes
    assert "area_differs" in codes


def test_a_run_of_some_layers_keeps_its_record(sample_run):
    some = sample_run.only("parks", "zones", "no_such_layer")
    assert list(some.layers) == ["parks", "zones"]
    assert some.manifest is sample_run.manifest
