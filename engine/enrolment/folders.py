"""Whose photos are they? Folders and file names name people: by id, by name, or by both."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from engine.enrolment.files import PhotoFile
from engine.errors import InputError
from engine.people import Person, clean_id, clean_name

_BOTH = re.compile(r"(?P<id>[^\s_]*[0-9][^\s_]*)(?:\s*_\s*|\s+-\s+|\s+)(?P<name>.*[^\W\d_].*)")
"""`E17_Ada Example`, `E17 - Ada Example`, `E17 Ada Example`: an id holds a digit, a name a letter."""
_COUNTED = re.compile(r"(?P<who>.+?)(?:\s*[_-]\s*[0-9]{1,4}|\s*\([0-9]{1,4}\)|\s+[0-9]{1,4})")
_CAMERAS = re.compile(
    r"(?:IMG|DSC[NF]?|PXL|MVIMG|PICT?|SAM|GOPR|WhatsApp Image|Screen ?shot|Bild|Foto|Photo|Image|Scan|Picture)"
    r"[\s_-]*(?:[0-9].*)?",
    re.IGNORECASE,
)
"""What cameras and telephones call their pictures says nothing about people."""


@dataclass
class Folder:
    """The photos of one person.

    Attributes:
        employee_id, name: of the person.
        label: what the folder or the files are called.
        known: the person is on the list already.
        problem: why the photos are nobody's; None: they are this person's.
        files: the photos.
    """

    employee_id: str
    name: str
    label: str
    known: bool = False
    problem: InputError | None = None
    files: list[PhotoFile] = field(default_factory=list)


def _plain(text: str) -> str:
    """An id for comparing."""
    return " ".join(text.split()).casefold()


def _name(text: str) -> str:
    """A name for comparing, in whatever order its parts stand."""
    return " ".join(sorted(re.findall(r"[^\W_]+", text.casefold())))


class Folders:
    """Tells who is meant by a folder or a file.

    Args:
        people: on the list, by id.
        fresh: returns an id that nobody has or had, given ids that are taken by now, too.
    """

    def __init__(self, people: Mapping[str, Person], fresh: Callable[[Collection[str]], str]) -> None:
        self._people, self._fresh = people, fresh
        self._ids = {_plain(key): key for key in people}
        names = [(_name(person.name), key) for key, person in people.items()]
        self._count = Counter(name for name, _ in names if name)
        self._names = {name: key for name, key in names if self._count[name] == 1}

    def known(self, label: str) -> str:
        """The id of the person on the list whom a label names; empty: none, or several."""
        if label in self._people:
            return label
        if (found := self._ids.get(_plain(label))) is not None:
            return found
        tokens = {
            self._ids.get(each) for each in re.split(r"[\s_()\[\],;]+", label.casefold()) if re.search(r"\d", each)
        }
        if len(ids := tokens - {None}) == 1:
            return str(ids.pop())
        return self._names.get(_name(label), "")

    def _says_who(self, label: str) -> bool:
        """Whether a label names somebody on the list, or begins with an id or is one."""
        if self.known(label) or _BOTH.fullmatch(label):
            return True
        return bool(re.fullmatch(r"\S*[0-9]\S*", label)) and not _CAMERAS.fullmatch(label)

    def labelled(self, files: Sequence[PhotoFile]) -> list[tuple[str, list[PhotoFile]]]:
        """Return the files by the folder, or the part of the file's name, that says whose they are; empty: nothing does."""
        common = _common([file.path[:-1] for file in files])
        flat = [file for file in files if len(file.path) - 1 == common]
        by_name = self._by_name(flat)
        found: dict[str, list[PhotoFile]] = {}
        for file in files:
            above = file.path[:-1]
            named = [folder for folder in reversed(above) if self.known(folder)]
            own = [folder for folder in reversed(above[common:]) if self._says_who(folder)]
            label = next(iter((*named, *own)), "")
            if not label:
                loose = len(above) == common and (by_name or len(flat) < len(files))  # beside folders of people
                label = _stem(file) if loose or not above else above[-1]
            found.setdefault(label, []).append(file)
        return list(found.items())

    def _by_name(self, files: Sequence[PhotoFile]) -> bool:
        """Whether each of the files in the outermost folder says whose it is."""
        stems = [_stem(file) for file in files]
        if not files or len(files[0].path) == 1 or any(self.known(each) for each in stems):
            return True
        return not self._says_who(files[0].path[-2]) and all(
            self._says_who(each) and not each.isdecimal() for each in stems
        )

    def people(self, labelled: Iterable[tuple[str, Sequence[PhotoFile]]]) -> list[Folder]:
        """Return the photos by person, in the order in which they came.

        Somebody on the list is found by id or name. Another label is a new person's: `E17_Ada Example` gives both; a name of several
        words gets the next free id; one word is the id and the name.
        """
        sorted_out = [(label, files, self._folder(label)) for label, files in labelled]
        taken = {folder.employee_id for _, _, folder in sorted_out}
        found: dict[str, Folder] = {}
        for label, files, folder in sorted_out:
            if not folder.employee_id and folder.problem is None:  # now that the ids of all others are known
                folder.employee_id = self._fresh(taken)
                taken.add(folder.employee_id)
            found.setdefault(folder.employee_id or f"\0{label}", folder).files.extend(files)
        return list(found.values())

    def _folder(self, label: str) -> Folder:
        """Whom a label means; a new person whose label is a name has no id yet."""
        if key := self.known(label):
            return Folder(key, self._people[key].name, label, known=True)
        if not label:
            return Folder("", "", "", problem=InputError("nothing says whose these photos are"))
        if self._count[_name(label)] > 1:
            return Folder("", "", label, problem=InputError(f"several people are called {label}"))
        both, words = _BOTH.fullmatch(label), re.split(r"[\s_]+", label)
        try:
            if both:
                return Folder(clean_id(both["id"]), clean_name(both["name"].replace("_", " ")), label)
            name = clean_name(" ".join(words))
            return Folder("" if len(words) > 1 else clean_id(label), name, label)
        except InputError as error:
            return Folder("", "", label, problem=error)


def _stem(file: PhotoFile) -> str:
    """What the name of a file says of whose it is, without a number at its end; empty: nothing."""
    name = file.path[-1]
    stem = name.rpartition(".")[0] or name
    if _CAMERAS.fullmatch(stem):
        return ""
    counted = _COUNTED.fullmatch(stem)
    return counted["who"] if counted else stem


def _common(folders: Sequence[tuple[str, ...]]) -> int:
    """How many outer folders all have in common."""
    count = 0
    for level in zip(*folders, strict=False):
        if len(set(level)) > 1:
            break
        count += 1
    return count
