"""What the owner of data says on its card decides whether it, and what was made from it, may leave."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import pytest
from manifests import manifest_of

from gis_renovation.errors import ConfigError
from gis_renovation.publish import Occasion, publish_run
from gis_renovation.publish.disclosure.release import require_known_crs, require_released, sources_of
from gis_renovation.run.inputs import read_inputs
from gis_renovation.run.project import open_project


def manifest(*, pipes_guessed="", **classes):
    sources = {name: {"classification": stated} for name, stated in classes.items()}
    if pipes_guessed:
        sources["pipes"]["crs_guessed"] = pipes_guessed
    steps = [
        {"step": "links", "inputs": {"communities": "1", "pipes": "2"}},
        {"step": "zones", "inputs": {"links": "3", "communities": "1"}},
        {"step": "parks_near", "skipped": True, "missing": ["parks"]},
    ]
    return manifest_of(sources=sources, steps=steps)


def with_source(run, name, source):
    """The run as if a layer had come in otherwise."""
    sources = {**run.manifest.sources, name: source}
    return SimpleNamespace(layers=run.layers, manifest=run.manifest.model_copy(update={"sources": sources}))


def test_a_result_comes_from_every_card_it_was_made_from():
    said = manifest(communities="public", pipes="internal")
    assert sources_of("zones", said) == ("communities", "pipes")
    assert sources_of("communities", said) == ("communities",)
    assert sources_of("parks_near", said) == ("parks_near",)


def test_public_cards_let_everything_leave():
    assert require_released(["zones"], manifest(communities="public", pipes="public"), highest="public") == []


@pytest.mark.parametrize("highest", ["public", "internal"])
def test_a_work_secret_holds_back_itself_and_every_result_in_one_message(highest):
    said = manifest(communities="work_secret", pipes="work_secret")
    with pytest.raises(ConfigError) as stopped:
        require_released(["communities", "zones"], said, highest=highest)
    for lang in ("zh", "en"):
        text = stopped.value.in_language(lang)
        assert "layers/communities.toml" in text
        assert "layers/pipes.toml" in text
        assert 'classification = "work_secret"' in text
        assert "[release]" in text
    assert "共 2 处" in stopped.value.text.zh


def test_where_everything_may_leave_no_card_stops_anything():
    said = manifest(communities="work_secret", pipes="internal")
    assert require_released(["communities", "zones", "unheard_of"], said, highest="restricted") == []


def test_an_internal_card_leaves_for_the_public_only_by_name_and_with_an_approval():
    said = manifest(communities="internal", pipes="public")
    assert require_released(["zones"], said, highest="internal") == []
    with pytest.raises(ConfigError, match=r"layers/communities\.toml"):
        require_released(["communities"], said, highest="public")
    with pytest.raises(ConfigError, match="approved_by"):
        require_released(["communities"], said, highest="public", released=["communities"])
    (told,) = require_released(
        ["communities", "zones"], said, highest="public", released=["communities"], approved_by="市住建局"
    )
    assert told == ("communities", "internal", ("communities", "zones"))


def test_a_released_work_secret_leaves_as_a_result_only():
    said = manifest(communities="public", pipes="work_secret")
    given = {"highest": "public", "released": ["pipes"], "approved_by": "市保密办"}
    assert require_released(["zones"], said, **given) == [("pipes", "work_secret", ("zones",))]
    with pytest.raises(ConfigError, match=r"layers/pipes\.toml.*涉及 pipes"):
        require_released(["zones", "pipes"], said, **given)


@pytest.mark.parametrize("stated", ["", "秘密", "Public"])
def test_an_unknown_class_means_no_whatever_is_released(stated):
    said = manifest(communities=stated, pipes="public")
    with pytest.raises(ConfigError, match="communities"):
        require_released(["communities"], said, highest="internal", released=["communities"], approved_by="某")


def test_a_layer_without_a_card_means_no_and_a_release_of_one_is_pointed_out():
    with pytest.raises(ConfigError, match="没有来源卡或未定级"):
        require_released(["strangers"], manifest(communities="public", pipes="public"), highest="public")
    said = manifest(communities="public", pipes="public")
    with pytest.raises(ConfigError, match="communites 没有来源卡；是否指 communities"):
        require_released(["zones"], said, highest="public", released=["communites"], approved_by="某")


def test_the_sample_stops_at_a_changed_card_and_says_in_the_checklist_what_was_released(sample_run, own_sample):
    """The sample's run with the card of the communities made a work secret: nothing is written."""
    table = SimpleNamespace(name="示意市", as_of=date(2024, 10, 8), attribution="", synthetic=True)
    project = SimpleNamespace(folder=own_sample, settings=SimpleNamespace(project=table, targets={}))
    card = sample_run.manifest.sources["communities"].model_copy(update={"classification": "work_secret"})
    run = with_source(sample_run, "communities", card)
    for profile in ("public", "bureau"):
        with pytest.raises(ConfigError, match=r"layers/communities\.toml.*work_secret.*小区"):
            publish_run(project, run, profile=profile)
        assert not (own_sample / "maps" / profile).exists()
    publish_run(project, sample_run, profile="public")
    checklist = (own_sample / "maps" / "public.checklist.md").read_text(encoding="utf-8")
    assert "- [ ] 来源卡定级：" in checklist
    assert "funds（internal）：小区进度、项目进度、县区进度" in checklist


def test_nothing_on_a_guessed_crs_leaves_for_the_public_and_others_are_warned():
    said = manifest(communities="public", pipes="public")
    assert require_known_crs(["zones"], said, highest="public") == []
    said = manifest(communities="public", pipes="public", pipes_guessed="EPSG:4548")
    with pytest.raises(ConfigError) as stopped:
        require_known_crs(["zones"], said, highest="public")
    for lang in ("zh", "en"):
        assert "EPSG:4548" in stopped.value.in_language(lang)
        assert "crs_guessed = true in layers/pipes.toml" in stopped.value.text.en
    assert "layers/pipes.toml" in stopped.value.text.zh
    assert require_known_crs(["communities"], said, highest="public") == []
    (warned,) = require_known_crs(["communities", "zones"], said, highest="internal")
    assert (warned.severity, warned.layer) == ("warning", "pipes")


def test_the_sample_on_a_guessed_crs_is_warned_of_and_not_published_for_the_public(sample_run, own_sample):
    card = own_sample / "layers" / "communities.toml"
    card.write_text(card.read_text("utf-8").replace("[source]\n", "[source]\ncrs_guessed = true\n", 1), "utf-8")
    inputs = read_inputs(open_project(own_sample), only=["communities"])
    assert [f.layer for f in inputs.findings if f.code == "crs_guessed"] == ["communities"]
    table = SimpleNamespace(name="示意市", as_of=date(2024, 10, 8), attribution="", synthetic=True)
    project = SimpleNamespace(folder=own_sample, settings=SimpleNamespace(project=table, targets={}))
    run = with_source(sample_run, "communities", inputs.sources["communities"])
    with pytest.raises(ConfigError, match=r"坐标系未核实.*\n.*小区|坐标系未核实.*\n.*communities"):
        publish_run(project, run, profile="public")
    assert not (own_sample / "maps" / "public").exists()
    warned = []
    publish_run(project, run, profile="bureau", occasion=Occasion(on_warning=warned.append))
    assert "crs_guessed" in [finding.code for finding in warned]
