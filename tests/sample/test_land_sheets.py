"""Every land-status sheet of the sample says what its own tables bear out."""

from land_sheets import contradictions


def test_no_sheet_of_the_sample_says_yes_beside_a_table_that_leaves_it_open(sample_run):
    assert len(sample_run.layers["land_sites"]) > 100
    assert contradictions(sample_run.layers) == []


def test_the_sample_is_of_huainan_and_cites_its_document(sample_run):
    sources = sample_run.layers["parcel_ledger"]["source_zh"]
    assert sources.str.contains("淮旧改办〔2024〕6号").any()
    assert not any(finding.code == "no_city_rules" for finding in sample_run.manifest.findings)
