"""Many people at once: whose photos they are, what speaks against them, and who is enrolled in the end."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.enrolment import Batch, Folder, Folders, PhotoFile, in_archive, in_folder
from engine.enrolment.files import parts_of
from engine.errors import EnrolmentRejected, InputError
from engine.face_reader import FaceReader
from engine.imaging import encode_jpeg, list_images, read_image
from engine.people import Person
from engine.workbench import Workbench

PEOPLE = {
    each.employee_id: each
    for each in (
        Person("E17", "Ada Example"),
        Person("1001", "Ben Bell"),
        Person("1002", "Jörg Groß"),
        Person("A-5", "Kim Lee"),
        Person("A-6", "Kim Lee"),
    )
}


def of(*names: str) -> list[PhotoFile]:
    return [PhotoFile(parts_of(name), lambda: b"") for name in names]


def whose(*names: str) -> dict[str, tuple[str, int]]:
    """Name and number of photos by id; a label whose owner is unknown stands for the id."""
    folders = Folders(PEOPLE, lambda taken: f"N{1 + sum(each.startswith('N') for each in taken)}")
    found = folders.people(folders.labelled(of(*names)))
    return {each.employee_id or f"? {each.label}": (each.name, len(each.files)) for each in found}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        # a folder per person, below any others
        (["x/E17/a.jpg", "x/E17/b.jpg", "x/1001/a.jpg"], {"E17": ("Ada Example", 2), "1001": ("Ben Bell", 1)}),
        (["photos 2024/e17/a.jpg", "photos 2024/ben bell/a.jpg"], {"E17": ("Ada Example", 1), "1001": ("Ben Bell", 1)}),
        (["E17/left/a.jpg", "E17/right/b.jpg", "1001/c.jpg"], {"E17": ("Ada Example", 2), "1001": ("Ben Bell", 1)}),
        (["Example, Ada/a.jpg", "Bell_Ben/a.jpg"], {"E17": ("Ada Example", 1), "1001": ("Ben Bell", 1)}),
        (["Ada (E17)/a.jpg", "Jo\u0308rg Groß/a.jpg"], {"E17": ("Ada Example", 1), "1002": ("Jörg Groß", 1)}),
        (["Jörg Groß/a.jpg", "E17/1.jpg"], {"1002": ("Jörg Groß", 1), "E17": ("Ada Example", 1)}),
        # newcomers
        (["x/E20_Cleo Rey/a.jpg", "x/E21 - Dan/a.jpg"], {"E20": ("Cleo Rey", 1), "E21": ("Dan", 1)}),
        (["x/Cleo Rey/a.jpg", "x/Dan_Day/a.jpg"], {"N1": ("Cleo Rey", 1), "N2": ("Dan Day", 1)}),
        (["x/E20/a.jpg", "x/cleo/a.jpg"], {"E20": ("E20", 1), "cleo": ("cleo", 1)}),
        (["x/E20/a.jpg", "x/E20_Cleo Rey/b.jpg"], {"E20": ("E20", 2)}),
        # one person alone
        (["E20/a1.jpg", "E20/a2.jpg"], {"E20": ("E20", 2)}),
        (["Cleo Rey/IMG_2034.jpg", "Cleo Rey/IMG_2035.jpg"], {"N1": ("Cleo Rey", 2)}),
        (["madonna/05.jpg", "madonna/d", "madonna/turned.jpg"], {"madonna": ("madonna", 3)}),
        # flat files
        (["E17_1.jpg", "E17_2.jpg", "1001.png"], {"E17": ("Ada Example", 2), "1001": ("Ben Bell", 1)}),
        (["photos/E17 (1).jpg", "photos/1001-2.jpg"], {"E17": ("Ada Example", 1), "1001": ("Ben Bell", 1)}),
        (["photos/E20_1.jpg", "photos/E21_1.jpg"], {"E20": ("E20", 1), "E21": ("E21", 1)}),
        (["Ada Example 2.jpg", "E20_Cleo Rey_1.jpg"], {"E17": ("Ada Example", 1), "E20": ("Cleo Rey", 1)}),
        (["IMG_2034.jpg", "E17.jpg"], {"? ": ("", 1), "E17": ("Ada Example", 1)}),
        # nobody, or too many
        (["x/E17/a.jpg", "x/1001/a.jpg", "x/IMG_20.jpg"],
         {"E17": ("Ada Example", 1), "1001": ("Ben Bell", 1), "? ": ("", 1)}),
        (["x/Kim Lee/a.jpg", "x/A-5/a.jpg"], {"? Kim Lee": ("", 1), "A-5": ("Kim Lee", 1)}),
        (["x/unknown-3/a.jpg", "x/a;b/a.jpg", "x/E17/a.jpg"],
         {"? unknown-3": ("", 1), "? a;b": ("", 1), "E17": ("Ada Example", 1)}),
    ],
)  # fmt: skip
def test_folders_and_files_say_whose_the_photos_are(names: list[str], expected: Mapping[str, tuple[str, int]]) -> None:
    assert whose(*names) == expected


def packed(files: Mapping[str, bytes], *, raw_names: bool = False) -> io.BytesIO:
    """A ZIP archive; `raw_names`: without the mark that names are UTF-8, as some programs write it."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    if raw_names:
        plain = bytearray(content.getvalue())
        for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            at = plain.find(mark)
            while at >= 0:
                plain[at + place + 1] &= ~0x08
                at = plain.find(mark, at + 1)
        return io.BytesIO(bytes(plain))
    return content


def test_an_archive_names_files_and_reaches_nothing_else(tmp_path: Path) -> None:
    names = [
        "../../etc/E17/a.jpg", "/abs/E18/b.jpg", "C:\\photos\\E19\\c.jpg", "__MACOSX/E17/._a.jpg", "E17/.DS_Store",
        "E17/Thumbs.db", "E17/", "..",
    ]  # fmt: skip
    found = in_archive(packed(dict.fromkeys(names, b"x")), "photos.zip")
    assert [file.name for file in found] == ["etc/E17/a.jpg", "abs/E18/b.jpg", "photos/E19/c.jpg"]
    assert [file.load() for file in found] == [b"x"] * 3
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["Jörg Groß/ä.jpg", "Łukasz/1.jpg", "山田/1.jpg"])
def test_names_are_read_whether_or_not_the_archive_says_how_they_are_written(name: str) -> None:
    for raw in (False, True):
        (file,) = in_archive(packed({name: b"x"}, raw_names=raw), "photos.zip")
        assert file.name == name
    dos = packed({"Gr__/1.jpg": b"x"}).getvalue().replace(b"Gr__", "Grüß".encode("cp437"))
    (file,) = in_archive(io.BytesIO(dos), "photos.zip")
    assert file.path[0] == "Grüß"


def test_archives_that_unpack_to_much_or_cannot_be_read_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = packed({"E17/a.jpg": bytes(31_000_000), "E17/b.jpg": b"x"})
    assert len(bomb.getvalue()) < 100_000
    large, small = in_archive(bomb, "photos.zip")
    with pytest.raises(InputError, match="31 MB, at most 30 MB"):
        large.load()
    assert small.load() == b"x"
    # a header that lies about the size gives no more than it says
    lying = (
        packed({"E17/a.jpg": bytes(31_000_000)}).getvalue().replace((31_000_000).to_bytes(4, "little"), b"\x10\0\0\0")
    )
    (file,) = in_archive(io.BytesIO(lying), "photos.zip")
    with pytest.raises(InputError, match="damaged in the archive"):
        file.load()
    monkeypatch.setattr("engine.enrolment.files.MOST_UNPACKED", 31_000_000)
    with pytest.raises(InputError, match="too many files, or too large"):
        in_archive(bomb, "photos.zip")
    locked = bytearray(packed({"a.jpg": b"x"}).getvalue())
    locked[locked.find(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(InputError, match="protected by a password"):
        in_archive(io.BytesIO(bytes(locked)), "photos.zip")
    for content in (b"", b"PK\x03\x04", b"\xff" * 4000, packed({"a": b"x"}).getvalue()[:-9]):
        with pytest.raises(InputError, match=r"photos.zip is not a ZIP archive"):
            in_archive(io.BytesIO(content), "photos.zip")


# --------------------------------------------------------------------------------------------- real photos


@pytest.fixture
def bench(tmp_path: Path, reader: FaceReader) -> Workbench:
    found = Workbench(tmp_path / "w")
    found.__dict__["reader"] = reader
    return found


def examined(bench: Workbench, files: list[PhotoFile]) -> Batch:
    folders = Folders(bench.people.all(), bench.registrar.fresh_ids())
    batch = Batch(bench.registrar)
    batch.add(folders.people(folders.labelled(files)))
    while batch.waiting:
        batch.examine_next()
    return batch


def turned(path: Path) -> bytes:
    """A photo that stands on its side, and says so."""
    content = io.BytesIO()
    with Image.open(path) as image:
        exif = image.getexif()
        exif[0x0112] = 6
        image.rotate(90, expand=True).save(content, "JPEG", quality=92, exif=exif)
    return content.getvalue()


def as_heic(path: Path) -> bytes:
    content = io.BytesIO()
    with Image.open(path) as image:
        image.save(content, "HEIF", quality=90)
    return content.getvalue()


@pytest.mark.models
def test_a_batch_is_judged_as_a_whole_and_stores_whoever_is_safe(
    bench: Workbench, samples: Path, reader: FaceReader
) -> None:
    def photo(person: str, number: str) -> bytes:
        return (samples / "train" / person / f"{number}.jpg").read_bytes()

    bench.people.put(Person("E3", "Mindy Kaling"))
    bench.people.put(Person("E4", "Left Alone", consent_at="withdrawn 2026-01-01T08:00:00+00:00"))
    mindy, jerry = (list_images(samples / "train" / who) for who in ("mindy_kaling", "jerry_seinfeld"))
    two = np.hstack([np.asarray(Image.open(path).convert("RGB").resize((300, 300))) for path in (mindy[0], jerry[0])])
    files = {
        "staff/E1_Madonna/a.jpg": turned(samples / "train" / "madonna" / "05.jpg"),
        "staff/E1_Madonna/b.heic": as_heic(samples / "train" / "madonna" / "01.jpg"),
        "staff/E1_Madonna/c.jpg": photo("madonna", "06"),
        "staff/E1_Madonna/d.jpg": photo("madonna", "06"),  # the same file
        "staff/E1_Madonna/e.jpg": photo("elton_john", "02"),  # somebody else
        "staff/E1_Madonna/f.png": encode_jpeg(np.zeros((1, 1, 3), np.uint8)),
        "staff/E1_Madonna/g.jpg": encode_jpeg(two),
        "staff/E1_Madonna/list.txt": b"Madonna",
        "staff/E2_Elton John/a.jpg": photo("elton_john", "06"),
        "staff/E2_Elton John/b.jpg": photo("elton_john", "08"),
        "staff/Elton Again/a.jpg": photo("elton_john", "03"),
        "staff/Mindy Kaling/a.jpg": mindy[0].read_bytes(),
        "staff/Mindy Kaling/b.jpg": jerry[0].read_bytes(),
        "staff/E4/a.jpg": jerry[0].read_bytes(),
        "staff/E5/a.jpg": b"no picture",
    }
    batch = examined(bench, in_archive(packed(files), "staff.zip"))
    plan = {each.folder.employee_id: each for each in batch.plan()}
    assert {key: (each.standing, each.reason, each.other) for key, each in plan.items()} == {
        "E1": ("enrol", "safe", ""),
        "E2": ("look", "twice", "E6"),  # one face under two ids: nobody knows which is right
        "E6": ("look", "twice", "E2"),
        "E3": ("look", "different people", ""),
        "E4": ("look", "withdrawn", ""),
        "E5": ("nothing", "no usable photo", ""),
    }
    assert [photo.verdict for photo in plan["E1"].photos] == [
        "good", "good", "good", "duplicate file", "unlike the others", "no face found", "several faces", "not a picture",
    ]  # fmt: skip
    assert all(photo.thumbnail for photo in plan["E1"].photos if photo.verdict in {"good", "several faces"})
    assert (plan["E6"].folder.name, len(bench.gallery.current()), bench.people.all().get("E1")) == (
        "Elton Again",
        0,
        None,
    )
    # leaving one of the two out settles it
    settled = {each.folder.employee_id: each.standing for each in batch.plan({"E6"})}
    assert (settled["E2"], settled["E1"]) == ("enrol", "enrol")
    for each in batch.plan({"E6"}):
        if each.standing == "enrol" and each.folder.employee_id != "E6":
            report = batch.enrol(each, basis="agreement 2026-11-01", author="hr")
            assert report.templates == each.used
    assert set(bench.gallery.current().people) == {"E1", "E2"}
    assert bench.people.all()["E1"].consent_at == "agreement 2026-11-01"
    assert [(row.author, row.subject) for row in bench.audit.read() if row.action == "enrol"] == [
        ("hr", "E1"),
        ("hr", "E2"),
    ]
    # cameras know them by other photos
    for key, who in (("E1", "madonna"), ("E2", "elton_john")):
        names = [
            face.match.person
            for path in list_images(samples / "val" / who)
            for face in bench.services().identify(read_image(path))
        ]
        assert names.count(key) >= len(names) * 0.6
        assert set(names) <= {key, None}
    # the same archive again has nothing new, and who looks like somebody enrolled waits
    again = examined(bench, in_archive(packed(files), "staff.zip"))
    found = {each.folder.employee_id: (each.standing, each.reason, each.other) for each in again.plan()}
    assert found["E1"][:2] == found["E2"][:2] == ("nothing", "nothing new")
    assert found["E6"] == ("look", "looks like", "E2")
    # somebody else's photos under an id that is enrolled
    wrong = examined(bench, in_archive(packed({"E1/a.jpg": mindy[0].read_bytes()}), "x.zip"))
    (only,) = wrong.plan()
    assert (only.standing, only.reason) == ("look", "somebody else")


@pytest.mark.models
def test_who_was_enrolled_meanwhile_is_not_enrolled_twice_and_an_interruption_loses_nothing(
    bench: Workbench, samples: Path
) -> None:
    folder = samples / "train" / "madonna"
    files = [PhotoFile(("E1", path.name), lambda path=path: path) for path in list_images(folder)[:3]]
    batch = Batch(bench.registrar)
    batch.add([Folder("E1", "Madonna", "E1", files=files)])
    batch.examine_next()
    (half,) = batch.plan()
    assert len(half.photos) == 1  # what is examined counts, the others wait
    assert batch.waiting == 2
    batch.drop_waiting()
    assert (batch.waiting, len(batch)) == (0, 1)
    (plan,) = batch.plan()
    bench.registrar.enrol_photos("E9", "Somebody", list_images(folder)[3:6])
    with pytest.raises(EnrolmentRejected, match="E1 looks like E9"):
        batch.enrol(plan, basis="2026-11-01", author="hr")
    assert set(bench.gallery.current().people) == {"E9"}
    assert "E1" not in bench.people.all()
    (after,) = batch.plan()
    assert (after.standing, after.reason, after.other) == ("look", "looks like", "E9")


def test_a_folder_gives_its_files_or_those_of_the_folders_in_it(tmp_path: Path) -> None:
    for name in ("all/E1/a.jpg", "all/E1/.hidden", "all/E2/b.jpg", "all/.git/x.jpg", "one/a.jpg", "one/Thumbs.db"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    assert ["/".join(file.path) for file in in_folder(tmp_path / "all")] == ["all/E1/a.jpg", "all/E2/b.jpg"]
    assert ["/".join(file.path) for file in in_folder(tmp_path / "one")] == ["one/a.jpg"]
