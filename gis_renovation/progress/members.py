"""Communities in works: started and completed whatever the number of their projects."""

from __future__ import annotations

import pandas as pd

from gis_renovation.ids import ids_in, sorted_by_id, with_ids
from gis_renovation.progress.chain import COMPLETED, STARTED, STATE_ORDER, all_of, any_of, at_least, ranks
from gis_renovation.unknowns import optional_column, optional_numbers, texts_as_objects


def community_progress(
    communities: pd.DataFrame, project_communities: pd.DataFrame, project_states: pd.DataFrame
) -> pd.DataFrame:
    """Whether works in each community have started and are completed, whatever the number of its projects.

    **Started** when any of its projects has, **completed** only when all of them are. A project without
    a record leaves it ``unknown`` unless another decides it; so does having no project at all.

    Parameters
    ----------
    communities
        Indexed by ``community_id`` (a default index counts as ids "0", "1", ...).
    project_communities
        Pairs ``project_id``, ``community_id``; a pair told twice counts once.
    project_states
        What :func:`project_states` returned.

    Returns
    -------
    pandas.DataFrame
        Layer ``community_progress``, indexed by ``community_id`` and sorted by it, one row for every
        community. ``state`` is that of the least advanced project, but at least ``started`` where one has
        started, and unknown while any project's state is; ``progress_share`` (0-1) is the lowest of its
        projects', unknown while any is unknown. No communities: an empty frame with the same columns.

    Raises
    ------
    DataError
        Ids missing, repeated, or forgotten in a column.

    Notes
    -----
    O(p log p) for p pairs.

    Examples
    --------
    Two projects work in community A, one is completed and the other is not:

    >>> communities = pd.DataFrame(index=["A", "B"])
    >>> pairs = pd.DataFrame({"project_id": ["P", "Q"], "community_id": ["A", "A"]})
    >>> states = pd.DataFrame(
    ...     {"state": ["completed", "started"], "previous_state": None, "progress_share": [1.0, 0.4]}, index=["P", "Q"]
    ... )
    >>> community_progress(communities, pairs, states)[["started", "completed", "progress_share"]]
       started completed  progress_share
    A      yes        no             0.4
    B  unknown   unknown             NaN
    """
    states = with_ids(project_states, "project_states")
    facts = community_facts(communities, project_communities, states)
    pairs = member_pairs(project_communities).sort_values(["community_id", "project_id"])
    pairs["rank"] = ranks(pairs["project_id"].map(states["state"]))
    pairs["progress_share"] = pairs["project_id"].map(states["progress_share"]).astype("float64")
    groups = pairs.groupby("community_id")
    complete = (groups["rank"].count() == groups.size()).reindex(facts.index, fill_value=False)
    rank = groups["rank"].min().reindex(facts.index)
    rank = rank.where((facts["started"] != 1) | (rank >= STARTED), STARTED).where(complete)
    known_share = (groups["progress_share"].count() == groups.size()).reindex(facts.index, fill_value=False)
    words = {1.0: "yes", 0.0: "no"}
    table = pd.DataFrame(
        {
            "project_ids": groups["project_id"].agg("、".join).reindex(facts.index),
            "project_count": groups.size().reindex(facts.index, fill_value=0).astype("int64"),
            "state": rank.map(dict(enumerate(STATE_ORDER))).astype("object"),
            "started": facts["started"].map(words).fillna("unknown").astype("object"),
            "completed": facts["completed"].map(words).fillna("unknown").astype("object"),
            "progress_share": groups["progress_share"].min().reindex(facts.index).where(known_share),
        },
        index=facts.index,
    )
    return texts_as_objects(table)


def member_pairs(project_communities: pd.DataFrame) -> pd.DataFrame:
    """Pairs of project and community as text ids, each once."""
    names = ("project_id", "community_id")
    return pd.DataFrame({name: ids_in(project_communities[name]) for name in names}).drop_duplicates()


def community_facts(
    communities: pd.DataFrame, project_communities: pd.DataFrame, project_states: pd.DataFrame
) -> pd.DataFrame:
    """Unit, batch, size and the three-valued started / completed (1, 0, NaN) of each community, sorted by id."""
    frame = sorted_by_id(communities, "communities")
    facts = numbers(frame)
    facts["unit_code"] = ids_in(optional_column(frame, "unit_code"))
    facts["plan_batch"] = optional_column(frame, "plan_batch")
    pairs = member_pairs(project_communities)
    now = ranks(pairs["project_id"].map(project_states["state"]))
    before = ranks(pairs["project_id"].map(project_states["previous_state"]))
    to = pairs["community_id"]
    facts["started"] = any_of(at_least(now, STARTED), to).reindex(facts.index)
    facts["completed"] = all_of(at_least(now, COMPLETED), to).reindex(facts.index)
    facts["was_started"] = any_of(at_least(before, STARTED), to).reindex(facts.index)
    facts["was_completed"] = all_of(at_least(before, COMPLETED), to).reindex(facts.index)
    facts["has_project"] = facts.index.isin(to)
    return facts


def numbers(communities: pd.DataFrame) -> pd.DataFrame:
    """Households and floor area as floats, NaN where unknown or the column is absent."""
    columns = {name: optional_numbers(communities, name) for name in ("households", "floor_area_m2")}
    return pd.DataFrame(columns, index=communities.index)
