"""A short run of the fuzzer, the same each time; ``python tests/fuzz_readers.py --seconds 600`` is the long one."""

from __future__ import annotations

import pytest
from fuzz_readers import one, originals

ROUNDS = 12


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return originals(tmp_path_factory.mktemp("originals"))


@pytest.mark.parametrize("turn", range(ROUNDS))
def test_a_file_changed_at_random_is_read_or_refused_in_words_and_stays_as_it_is(files, turn):
    outcomes = {}
    for number in range(len(files)):
        seed = turn * len(files) + number
        driver, outcome, trace = one(files, seed)
        assert not trace, f"python tests/fuzz_readers.py --seed {seed} --seconds 1\n{driver}\n{trace}"
        outcomes[driver] = outcome
    assert set(outcomes) == set(files)


def test_an_unchanged_file_of_every_driver_is_read(files):
    from fuzz_readers import attempt

    assert {name: attempt(path, path.parent) for name, path in files.items() if name != "ods"} == dict.fromkeys(
        set(files) - {"ods"}, "read"
    )
