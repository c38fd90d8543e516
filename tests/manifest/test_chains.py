"""Which chains a reference gets, and the rows that hold them."""

from dataclasses import replace

import pytest
from syndr_curate import CurateError
from syndr_curate.curate.manifest.chains.recipes import chain_rows, chains_of, draw_chain
from syndr_curate.curate.manifest.chains.settings import ChainSettings
from syndr_curate.curate.manifest.ids import parse_sample_id
from syndr_curate.curate.manifest.manifest import validate
from syndr_curate.curate.manifest.recipes import RecipeGrid, Reference
from syndr_curate.distortions.catalog import CAMERA, CATALOG, IDENTITY_CELLS, get
from syndr_curate.distortions.chains import ChainStep, parse_chain

GRID = RecipeGrid(
    types=(), levels=(), seed=123, reference_root="photos", image_root="images", suffix=".png", dataset="ours"
)
NAMED = parse_chain("gaussian_blur:2+white_noise:3+jpeg:2")
MANY = [chain.steps for chain in chains_of("a", ChainSettings(drawn=300), 123)]


def test_a_row_of_a_chain_names_its_steps_and_neither_type_nor_level():
    rows = chain_rows([Reference("b", "b.jpg"), Reference("a", "s/a.jpg", "val")], GRID, ChainSettings(named=(NAMED,)))
    validate(rows)
    b, a = rows.to_pylist()
    assert b["sample_id"] == "b_chain_1-2_11-3_10-2"
    assert b["image_path"] == "b/b_chain_1-2_11-3_10-2.png"
    assert (a["reference_id"], a["reference_path"], a["split"], a["dataset"]) == ("a", "s/a.jpg", "val", "ours")
    assert b["distortion"] == "chain"
    assert {b[name] for name in ("distortion_id", "level", "label", "label_std", "label_source", "error")} == {None}
    assert [(step["distortion_id"], step["level"]) for step in b["chain"]] == [(1, 2.0), (11, 3.0), (10, 2.0)]
    seeds = [row["seed"] for row in (a, b)] + [step["seed"] for row in (a, b) for step in row["chain"]]
    assert len(set(seeds)) == 8
    assert all(0 <= seed < 2**53 for seed in seeds)


def test_no_id_of_a_chain_passes_for_one_of_a_single_type():
    for text in ("1:2+11:3", "1:2+stretch+11:3+stretch", "stretch+stretch+1:1+2:2"):
        (row,) = chain_rows([Reference("I01", "I01.png")], GRID, ChainSettings(named=(parse_chain(text),))).to_pylist()
        assert parse_sample_id(row["sample_id"]) is None


def test_where_a_chain_is_stretched_changes_its_id_and_not_its_noise():
    step, once = (
        chain_rows([Reference("b", "b.jpg")], GRID, ChainSettings(named=(NAMED,), stretch=way)).to_pylist()[0]
        for way in ("step", "once")
    )
    assert once["sample_id"] == "b_chain_s_1-2_11-3_10-2_s"
    assert once["chain"][1:-1] == step["chain"]
    assert once["chain"][0] == once["chain"][-1] == {"distortion_id": 0, "level": 0.0, "seed": None}


def test_drawn_chains_depend_on_the_id_and_the_seed_alone():
    few, many = (chains_of("a", ChainSettings(drawn=count), 123) for count in (3, 40))
    assert many[:3] == few
    assert chains_of("b", ChainSettings(drawn=3), 123) != few
    assert chains_of("a", ChainSettings(drawn=3), 124) != few
    # Written down, so that another release draws the same.
    assert few[0] == (
        2299982124716449,
        ((3, 4.0, 2024966593864760), (13, 1.0, 2976754278259481)),
    )


def test_drawn_chains_differ_and_are_as_long_as_asked():
    assert len(set(MANY)) == 300
    lengths = [len(chain) for chain in MANY]
    assert {length: 70 < lengths.count(length) < 130 for length in (2, 3, 4)} == dict.fromkeys((2, 3, 4), True)


def test_a_drawn_chain_has_at_most_one_type_of_a_family():
    for chain in MANY:
        families = [get(step.distortion_id).family for step in chain]
        assert len(set(families)) == len(families)
    assert {get(step.distortion_id).id for chain in MANY for step in chain} == set(range(1, 26))


def test_compression_comes_last_unless_any_order_is_asked_for():
    def places(chains):
        return [
            (place, len(chain))
            for chain in chains
            for place, step in enumerate(chain, 1)
            if get(step.distortion_id).family == "compression"
        ]

    assert all(place == length for place, length in places(MANY))
    anywhere = [chain.steps for chain in chains_of("a", ChainSettings(drawn=300, order="any"), 123)]
    assert sum(place < length for place, length in places(anywhere)) > 50


def of_cameras(**options):
    types = tuple(entry.id for entry in (*CATALOG, *CAMERA))
    wanted = ChainSettings(**{"drawn": 300, "types": types, "length": (2, 6), **options})
    return [[get(step.distortion_id) for step in chain.steps] for chain in chains_of("a", wanted, 123)]


def test_a_chain_has_several_camera_types_but_one_of_a_subfamily():
    chains = of_cameras()
    assert {entry.id for chain in chains for entry in chain} == {entry.id for entry in (*CATALOG, *CAMERA)}
    assert max(sum(entry.family == "camera" for entry in chain) for chain in chains) >= 3
    for chain in chains:
        subfamilies = [entry.subfamily for entry in chain]
        assert len(set(subfamilies)) == len(subfamilies)


def test_a_chain_of_camera_types_alone_has_up_to_six():
    types = tuple(entry.id for entry in CAMERA)
    every = {"optics", "sensor", "white_balance", "tone", "resize", "compression"}
    assert {entry.subfamily for entry in of_cameras(drawn=1, types=types, length=(6, 6))[0]} == every
    with pytest.raises(CurateError, match="of types of 6 families: a chain has at most one of each"):
        of_cameras(drawn=1, types=types, length=(2, 7))


def test_one_compression_of_either_family_comes_last():
    last = {chain[-1].name for chain in of_cameras() if chain[-1].subfamily == "compression"}
    assert last == {"jpeg2000", "jpeg", "web_recompression", "chroma_subsampling", "video_frame"}
    assert not any(entry.subfamily == "compression" for chain in of_cameras() for entry in chain[:-1])
    anywhere = [entry.name for chain in of_cameras(order="any") for entry in chain[:-1]]
    assert {"jpeg", "web_recompression"} <= set(anywhere)


def test_other_distortions_come_in_any_order():
    blurs_first = [
        [get(step.distortion_id).family for step in chain].index("blur") == 0
        for chain in MANY
        if any(get(step.distortion_id).family == "blur" for step in chain)
    ]
    assert 0.2 < sum(blurs_first) / len(blurs_first) < 0.7


def test_a_level_that_changes_nothing_is_not_drawn():
    assert not {(step.distortion_id, step.level) for chain in MANY for step in chain} & set(IDENTITY_CELLS)


def test_types_and_levels_are_those_asked_for():
    wanted = ChainSettings(drawn=16, types=(1, 2, 11), levels=(2, 5), length=(2, 2))
    chains = [chain.steps for chain in chains_of("a", wanted, 123)]
    assert len(set(chains)) == 16  # 2 orders x 2 blurs x 2 levels x 1 noise x 2 levels
    assert {(step.distortion_id, step.level) for chain in chains for step in chain} == {
        (kind, level) for kind in (1, 2, 11) for level in (2.0, 5.0)
    }


@pytest.mark.parametrize(
    ("types", "options", "count"),
    [
        # Two blurs and a noise at two levels, in either order.
        ((1, 2, 11), {"length": (2, 2)}, 2 * (2 * 2) * 2),
        # Of blur, noise and jpeg: 2! blurs with noise and 1 order with jpeg last; then 2! of three, jpeg last.
        ((1, 11, 10), {"length": (2, 3)}, 2 * 4 + 4 + 4 + 2 * 8),
        ((1, 11, 10), {"length": (2, 3), "order": "any"}, 2 * 4 * 3 + 6 * 8),
        # The compressions of both families are one group.
        ((10, 108, 101), {"length": (2, 2)}, 4 * 2),
    ],
)
def test_more_chains_than_there_are_are_refused_at_once(types, options, count):
    wanted = ChainSettings(drawn=count, types=types, levels=(2, 5), **options)
    assert wanted.different() == count
    assert len({chain.steps for chain in chains_of("a", wanted, 123)}) == count
    with pytest.raises(
        CurateError, match=f"{count + 1} different chains were asked for, and there are {count}: ask for"
    ):
        replace(wanted, drawn=count + 1)


def test_chains_that_are_named_are_not_there_to_be_drawn():
    wanted = ChainSettings(named=(parse_chain("1:2+11:2"),), drawn=16, types=(1, 2, 11), levels=(2, 5), length=(2, 2))
    with pytest.raises(CurateError, match="16 different chains were asked for and 15 found for 'a': ask for fewer"):
        chains_of("a", wanted, 123)


def test_a_named_chain_is_not_drawn_again():
    wanted = ChainSettings(drawn=16, types=(1, 2, 11), levels=(2, 5), length=(2, 2))
    every = [tuple(step._replace(seed=None) for step in chain.steps) for chain in chains_of("a", wanted, 123)]
    both = chains_of("a", replace(wanted, named=(every[7],), drawn=15), 123)
    assert tuple(step._replace(seed=None) for step in both[0].steps) == every[7]
    assert len({chain.steps for chain in both}) == 16


def test_a_chain_can_be_drawn_for_anything():
    assert draw_chain(ChainSettings(), "epoch", 3, "photo") == draw_chain(ChainSettings(), "epoch", 3, "photo")
    assert all(isinstance(step, ChainStep) and step.seed is None for step in draw_chain(ChainSettings(), 1))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"drawn": -1}, "drawn is -1; expected a whole number, 0 or more"),
        ({"drawn": 1, "length": (1, 4)}, "the length of chains is 1,4; expected"),
        ({"drawn": 1, "length": (4, 2)}, "the length of chains is 4,2; expected"),
        ({"drawn": 1, "length": (2, 15)}, "the length of chains is 2,15; expected"),
        ({"drawn": 1, "length": (2, 8)}, "of types of 7 families: a chain has at most one of each"),
        ({"drawn": 1, "types": (1, 2, 11)}, "chains of up to 4 distortions were asked for, of types of 2 families"),
        ({"drawn": 1, "types": (1, 3, 18), "levels": (3,), "length": (2, 3)}, "of types of 1 families"),
        ({"drawn": 1, "types": (1, 99)}, "chains cannot be drawn: there is no distortion 99"),
        ({"drawn": 1, "levels": (1, 6)}, "chains cannot be drawn: level 6 of gaussian_blur does not exist"),
        ({"order": "last"}, "order of chains is 'last'; expected compression-last or any"),
        ({"stretch": "never"}, "stretch of chains is 'never'; expected step or once"),
        ({"drawn": 1, "length": 3}, "the length of chains is 3; expected the fewest and the most distortions, 2 to 14"),
        (
            {"named": (parse_chain("+".join(["1:2", "11:3"] * 8)),), "stretch": "once"},
            "has 16 distortions; expected at most 14 with --stretch once",
        ),
        ({"named": (NAMED, NAMED)}, r"the chain gaussian_blur:2\+white_noise:3\+jpeg:2 is given twice"),
        ({"named": (parse_chain("1:2+2:3+stretch"),), "stretch": "once"}, "says where it is stretched"),
    ],
)
def test_chains_that_cannot_be_made_are_refused(given, said):
    with pytest.raises(CurateError, match=said):
        ChainSettings(**given)
