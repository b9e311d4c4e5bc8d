"""Files cut short, flipped or changed while they are read: refused, never half a picture."""

import os
import stat
import threading
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decode.samples import chunk, encoded, exif, one_of_each, picture, pixels, png_header
from edgeinfer.decode import decode
from edgeinfer.errors import InputError

FILES = one_of_each()
WHOLE = {name: pixels(data) for name, data in FILES.items()}


@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_at_any_sixteenth_is_refused(name: str) -> None:
    data = FILES[name]
    for part in range(16):
        with pytest.raises(InputError):
            decode(data[: len(data) * part // 16])


@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_anywhere_gives_the_whole_picture_or_none(name: str) -> None:
    data = FILES[name]
    step = max(1, len(data) // 500)
    for length in [*range(0, len(data), step), *range(max(0, len(data) - 40), len(data))]:
        try:
            found = pixels(data[:length])
        except InputError:
            continue
        np.testing.assert_array_equal(found, WHOLE[name])


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("jpeg")])
def test_a_jpeg_whose_tail_is_zeros_is_refused(name: str) -> None:
    # What a file system leaves when the power fails: the length is right, the last blocks are not
    # written. The decoder takes zeros for grey.
    data = FILES[name]
    for part in range(1, 16):
        length = len(data) * part // 16
        with pytest.raises(InputError, match="cut short"):
            decode(data[:length] + bytes(len(data) - length))


@pytest.mark.parametrize("interlaced", [0, 1])
@pytest.mark.parametrize(("depth", "colour"), [(1, 0), (8, 0), (16, 0), (8, 2), (4, 3), (8, 6)])
def test_a_png_that_inflates_to_too_little_is_refused(
    interlaced: int, depth: int, colour: int
) -> None:
    # The compressed stream is whole, with its own end and checksum, and holds fewer rows. Pillow
    # gives a picture whose rest is black.
    bits = depth * {0: 1, 2: 3, 3: 1, 6: 4}[colour]

    def rows(width: int, height: int) -> bytes:
        return (b"\0" + b"\xaa" * ((width * bits + 7) // 8)) * height if width and height else b""

    passes = [(8, 5), (7, 5), (15, 4), (15, 9), (30, 9), (30, 18), (60, 17)]  # of 60 x 35
    raw = b"".join(rows(*size) for size in passes) if interlaced else rows(60, 35)
    palette = chunk(b"PLTE", bytes(48)) if colour == 3 else b""
    begin = png_header(60, 35, depth, colour, interlaced) + palette

    def file(raw: bytes) -> bytes:
        return begin + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")

    whole = pixels(file(raw))
    assert whole.shape == (35, 60, 3)
    np.testing.assert_array_equal(pixels(file(raw + bytes(1000))), whole)  # more is no harm
    for length in (0, 1, len(raw) // 3, len(raw) - 100, len(raw) - 1):
        with pytest.raises(InputError, match="cut short"):
            decode(file(raw[:length]))


def test_a_black_png_is_a_picture() -> None:
    black = encoded(picture().point(lambda _: 0), "PNG")
    assert not pixels(black).any()


@given(
    name=st.sampled_from([name for name in FILES if name.startswith("png")]),
    place=st.integers(0, 10**6),
    value=st.integers(1, 255),
)
@settings(max_examples=500, deadline=None)
def test_one_wrong_byte_in_a_png_never_gives_other_pixels(
    name: str, place: int, value: int
) -> None:
    data = bytearray(FILES[name])
    data[place % len(data)] ^= value
    try:
        found = pixels(bytes(data))
    except InputError:
        return
    if found.shape == WHOLE[name].shape:
        np.testing.assert_array_equal(found, WHOLE[name])
    else:  # its EXIF is lost, its picture is not
        assert name == "png_exif"
        np.testing.assert_array_equal(found, WHOLE["png"])


@given(
    name=st.sampled_from(sorted(FILES)),
    spots=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=12),
    length=st.none() | st.integers(0, 10**4),
)
@settings(max_examples=600, deadline=None)
def test_damage_gives_a_frame_or_an_input_error(
    name: str, spots: list[tuple[int, int]], length: int | None
) -> None:
    data = bytearray(FILES[name])
    for place, value in spots:
        data[place % len(data)] = value
    try:
        frame = decode(bytes(data[:length]))
    except InputError:
        return
    assert frame.width >= 1
    assert frame.height >= 1


@given(data=st.binary(max_size=200), name=st.sampled_from(sorted(FILES)), keep=st.integers(2, 60))
@settings(max_examples=300, deadline=None)
def test_a_good_start_and_any_bytes_give_a_frame_or_an_input_error(
    data: bytes, name: str, keep: int
) -> None:
    try:
        decode(FILES[name][:keep] + data)
    except InputError:
        return


# Files that are no ordinary files.


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a folder"):
        decode(tmp_path)


def test_a_pipe_is_refused_without_waiting_for_its_other_end(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(InputError, match="no regular file"):
        decode(tmp_path / "pipe.png")


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null"])
def test_a_device_is_refused(path: str) -> None:
    assert stat.S_ISCHR(os.stat(path).st_mode)
    with pytest.raises(InputError, match="no regular file"):
        decode(path)


def test_a_loop_of_links_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").symlink_to(tmp_path / "b.png")
    (tmp_path / "b.png").symlink_to(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"a\.png: cannot read the image: Too many levels"):
        decode(tmp_path / "a.png")


def test_a_link_to_a_picture_is_that_picture(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(FILES["png"])
    (tmp_path / "link.png").symlink_to("real")
    np.testing.assert_array_equal(pixels(tmp_path / "link.png"), WHOLE["png"])


def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "closed.png"
    path.write_bytes(FILES["png"])
    path.chmod(0)
    superuser = os.geteuid() == 0
    if superuser:
        os.seteuid(65534)  # whom permissions hold, unlike the superuser
    try:
        with pytest.raises(InputError, match="cannot read the image: Permission denied"):
            decode(path)
    finally:
        if superuser:
            os.seteuid(0)


def test_a_file_that_gives_more_than_its_size_is_cut_off_at_the_limit() -> None:
    # The kernel's own files say they have no bytes.
    assert os.stat("/proc/self/maps").st_size == 0
    with pytest.raises(InputError, match="it gave more bytes than the 100 allowed"):
        decode("/proc/self/maps", max_bytes=100)
    with pytest.raises(InputError, match="not a JPEG, PNG, WebP or BMP image"):
        decode("/proc/self/maps")


def rewrite(path: Path) -> None:
    path.write_bytes(FILES["bmp"])


def shrink(path: Path) -> None:
    os.truncate(path, 500)
    path.write_bytes(FILES["bmp"])


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(bytes(5000))
    os.truncate(path, len(FILES["bmp"]))


def swap(path: Path) -> None:
    other = path.with_suffix(".new")
    other.write_bytes(FILES["bmp"])
    other.replace(path)
    path.unlink()
    path.write_bytes(FILES["bmp"])


@pytest.mark.parametrize(
    "change", [rewrite, shrink, grow, swap], ids=lambda change: change.__name__
)
def test_a_file_that_changes_while_it_is_read(
    change: Callable[[Path], None], tmp_path: Path
) -> None:
    path = tmp_path / "image.bmp"
    path.write_bytes(FILES["bmp"])
    done = threading.Event()

    def keep_changing() -> None:
        while not done.is_set():
            change(path)

    writer = threading.Thread(target=keep_changing)
    writer.start()
    whole = 0
    try:
        for _ in range(300):
            try:
                found = pixels(path)
            except InputError:
                continue
            np.testing.assert_array_equal(found, WHOLE["bmp"])
            whole += 1
    finally:
        done.set()
        writer.join()
    if change is grow:
        assert whole == 300  # what is behind the picture does not matter


def test_bytes_that_change_meanwhile_do_not_change_the_frame() -> None:
    data = bytearray(FILES["png"])
    frame = decode(data)
    data[:] = bytes(len(data))
    np.testing.assert_array_equal(frame.pixels, WHOLE["png"])


def test_no_file_stays_open(tmp_path: Path) -> None:
    path = tmp_path / "image"
    for data in (FILES["jpeg"], FILES["png"][:-20], b"no image", FILES["webp_animated"]):
        path.write_bytes(data)
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(3):
            try:
                decode(path)
            except InputError:
                continue
        assert len(os.listdir("/proc/self/fd")) == before


def test_the_picture_behind_a_jpeg_is_not_looked_at() -> None:
    # A stereo or motion photograph: another picture, or a film, after the end of the first.
    other = encoded(picture(seed=99), "JPEG", exif=exif(3))
    for behind in (other, other[: len(other) // 2], b"\0" * 1000, b"\xff\xd8" * 100):
        np.testing.assert_array_equal(pixels(FILES["jpeg"] + behind), WHOLE["jpeg"])
