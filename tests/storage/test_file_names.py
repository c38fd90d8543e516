"""Names that every file system takes and every manifest can hold."""

from hypothesis import given
from hypothesis import strategies as st
from syndr_curate.curate.export.names import safe_name
from syndr_curate.curate.storage.paths.file_names import (
    LONGEST_NAME,
    is_storable_name,
    rendered_path,
    shortened,
    spelled,
)
from syndr_curate.curate.storage.safe_paths import is_safe_path

LIMIT = 255


def test_a_name_of_up_to_180_bytes_stays():
    assert shortened("a" * LONGEST_NAME) == "a" * LONGEST_NAME
    assert shortened("é" * (LONGEST_NAME // 2)) == "é" * (LONGEST_NAME // 2)


def test_long_names_keep_their_beginning_and_stay_apart():
    one, other = shortened("a" * 248 + "_01_03"), shortened("a" * 248 + "_01_04")
    assert one.startswith("a" * LONGEST_NAME + "~")
    assert len(one) == len(other) == LONGEST_NAME + 17
    assert one != other


@given(st.text(min_size=1, max_size=400))
def test_a_short_name_is_text_of_at_most_197_bytes(name):
    assert 1 <= len(shortened(name).encode()) <= LONGEST_NAME + 17


def test_an_export_shortens_by_the_same_rule():
    identifier = "x y" * 200
    assert safe_name(identifier) == shortened(identifier.replace(" ", "~20"), of=identifier)


def test_rendered_images_are_in_a_folder_per_reference():
    assert rendered_path("a", "a_01_03", ".png") == "a/a_01_03.png"
    assert rendered_path("x/a", "x/a_01_03", ".bmp") == "x/a/a_01_03.bmp"


def test_every_part_of_a_rendered_path_is_short_enough():
    reference = f"{'folder' * 42}/{'é' * 124}"
    parts = rendered_path(reference, f"{reference}_01_03", ".webp").split("/")
    assert len(parts) == 3
    assert all(len(part.encode()) < LIMIT - 30 for part in parts)


@given(st.binary(min_size=1, max_size=40).filter(lambda name: b"/" not in name and b"\0" not in name))
def test_every_name_on_a_disk_is_spelled_as_a_safe_text(name):
    text = spelled(name.decode("utf-8", "surrogateescape"))
    text.encode()
    assert is_safe_path(text) or text == ".."
    assert spelled(text) == text
    assert is_storable_name(text)
    assert is_storable_name(name.decode("utf-8", "surrogateescape")) == (
        text == name.decode("utf-8", "surrogateescape")
    )
