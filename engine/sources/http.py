"""Pictures over HTTP as cameras really send them: Motion JPEG with or without boundaries, and snapshots that are asked for again."""

from __future__ import annotations

import contextlib
import http.client
import re
import ssl
import time as clock
import urllib.error
import urllib.request
import zlib
from collections.abc import Iterator
from typing import Protocol
from urllib.parse import unquote, urlsplit, urlunsplit

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from engine.imaging import Film, rgb_of
from engine.sources.film import PictureRing
from engine.sources.trouble import NoPicture, Trouble, Unreadable, of_socket, of_status, speaks_tls

_BEGIN, _END = b"\xff\xd8\xff", 0xD9
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_PLAYLIST = re.compile(rb"<(mpd|smil)[\s>]", re.IGNORECASE)
_CHUNK = 1 << 16
_LARGEST = 32_000_000
_LOST_IN = 4_000_000
"""So many bytes without the beginning of a picture are no pictures."""
_FASTEST_S, _SHARE = 0.25, 2.0
"""A snapshot is asked for at most four times a second, and the camera rests for as long as it took to answer."""
_RETRY_S = 0.5
_PATIENCE = 0.75
"""Of the time after which a silent camera is lost: pictures of which none can be decoded are told before."""
_PACKED = {"gzip": 31, "x-gzip": 31, "deflate": 47}
"""How zlib unpacks an answer, by its coding."""


class _Answer(Protocol):
    headers: http.client.HTTPMessage

    def read1(self, amount: int = -1, /) -> bytes: ...

    def close(self) -> None: ...


class _Unpacked:
    """An answer that was packed though nobody asked for it."""

    def __init__(self, answer: _Answer, coding: str) -> None:
        self._answer, self._unpacker = answer, zlib.decompressobj(_PACKED[coding])
        self.headers = answer.headers

    def read1(self, amount: int = -1, /) -> bytes:
        """The next bytes; none: there are no more.

        Raises:
            Unreadable: it is not packed in the way that it says.
        """
        try:
            while more := self._answer.read1(amount):
                if data := self._unpacker.decompress(more):
                    return data
        except zlib.error as error:
            raise Unreadable(Trouble.NOT_VIDEO) from error
        return b""

    def close(self) -> None:
        """Release the connection."""
        self._answer.close()


class _Client:
    """Asks a camera, with its user and password if it wants them (Basic or Digest)."""

    def __init__(self, url: str, timeout_s: float) -> None:
        address = urlsplit(url)
        place = address.netloc.rpartition("@")[2]
        self._url, self._timeout_s = urlunsplit(address._replace(netloc=place, fragment="")), timeout_s
        self._signed_in = address.username is not None
        known = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        if self._signed_in:  # for every path of the camera, and for no other host
            known.add_password(
                None, f"{address.scheme}://{place}/", unquote(address.username or ""), unquote(address.password or "")
            )
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # cameras sign their certificates themselves
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=context),
            urllib.request.HTTPDigestAuthHandler(known),
            urllib.request.HTTPBasicAuthHandler(known),
        )
        self._opener.addheaders = [("User-Agent", "Muster"), ("Accept", "*/*")]

    def ask(self) -> _Answer:
        """Ask for the address.

        Raises:
            Unreadable: there is no answer, or it is an error.
            http.client.HTTPException: what answers speaks something else.
        """
        try:
            answer: _Answer = self._opener.open(self._url, timeout=self._timeout_s)
            coding = answer.headers.get("Content-Encoding", "").strip().lower()
            if coding in _PACKED:
                answer = _Unpacked(answer, coding)
        except urllib.error.HTTPError as error:
            with error:
                why = of_status(error.code, signed_in=self._signed_in)
        except urllib.error.URLError as error:
            why = of_socket(error.reason) if isinstance(error.reason, OSError) else NoPicture(Trouble.OTHER)
        except ValueError as error:  # an unusual way of signing in
            raise http.client.HTTPException(str(error)) from error
        except OSError as error:
            why = of_socket(error)
        else:
            return answer
        if why.kind is Trouble.ENDED or why.extra == "400":  # what a server says who expects TLS
            why = NoPicture(Trouble.WANTS_TLS) if speaks_tls(self._url) else why
        raise Unreadable(why.kind, why.extra)


def open_pictures(url: str, timeouts_s: tuple[float, float]) -> HttpPictures | None:
    """Open an address that gives JPEG pictures; None: it gives another stream, which is FFmpeg's to read.

    Args:
        timeouts_s: to open the stream and to read from it.

    Raises:
        Unreadable: there is no answer, it is an error, or it is a page.
    """
    client = _Client(url, timeouts_s[0])
    try:
        answer = client.ask()
    except http.client.HTTPException:
        return None
    try:
        begin = _beginning(answer)
    except (OSError, http.client.HTTPException) as error:
        answer.close()
        raise Unreadable(Trouble.TIMEOUT if isinstance(error, TimeoutError) else Trouble.ENDED) from error
    kind, head = answer.headers.get_content_type(), begin.lstrip()[:512]
    told = "Content-Type" in answer.headers
    if (told and kind.startswith("multipart/")) or head.startswith((b"--", b"Content-")):
        return HttpPictures(_stream(answer, begin), timeouts_s[1])
    if head.startswith(_BEGIN) or (told and kind.startswith("image/")):
        if "Content-Length" not in answer.headers and head.startswith(_BEGIN) and not kind.startswith("image/"):
            # one JPEG after the other, and nothing between
            return HttpPictures(_stream(answer, begin), timeouts_s[1])
        return HttpPictures(_snapshots(client, answer, begin, timeouts_s[1]), timeouts_s[1])
    answer.close()
    if not head:
        raise Unreadable(Trouble.ENDED)
    if found := _PLAYLIST.search(head):
        if _reads(name := found[1].decode().lower()):
            return None
        raise Unreadable(Trouble.PLAYLIST, {"mpd": "DASH"}.get(name, name.upper()))
    if kind in {"text/html", "application/xhtml+xml", "application/json"} or head[:1] in {b"<", b"{"}:
        raise Unreadable(Trouble.WEB_PAGE)
    return None


def _reads(playlist: str) -> bool:
    """Whether FFmpeg was built with what reads it."""
    try:
        return av.ContainerFormat({"mpd": "dash"}.get(playlist, playlist), "r").is_input
    except ValueError:
        return False


def _beginning(answer: _Answer) -> bytes:
    """The first bytes of an answer, enough to see what it is."""
    data = b""
    while len(data.lstrip()) < 3 and (more := answer.read1(_CHUNK)):
        data += more
    return data


class HttpPictures:
    """A camera whose pictures are files; see `Stream`.

    Args:
        pictures: files, one after the other. patience_s: how long they may come without one that can be decoded.

    Attributes:
        damaged: pictures that could not be decoded.
    """

    resting = catching_up = False
    behind_s = 0.0
    waiting: NoPicture | None = None

    def __init__(self, pictures: Iterator[bytes], patience_s: float) -> None:
        self._pictures, self._patience_s = pictures, _PATIENCE * patience_s
        self._good = clock.monotonic()
        self._newest = b""
        self._decoder: av.VideoCodecContext | None = None
        self._converter = av.video.reformatter.VideoReformatter()
        self.damaged = 0
        self._ring = PictureRing()

    def grab(self) -> bool:
        """Take the next picture; False: there are no more.

        Raises:
            Unreadable: the camera gives no more, and why.
        """
        self._newest = next(self._pictures, b"")
        if self._newest:
            self._ring.add(self._newest, clock.monotonic())
        return bool(self._newest)

    def film(self, since: float, until: float) -> Film | None:
        """See `Stream.film`."""
        return self._ring.film(since, until)

    def retrieve(self) -> NDArray[np.uint8] | None:
        """The last picture, RGB uint8 (H, W, 3), or None if it cannot be decoded.

        Raises:
            Unreadable: none could for some time.
        """
        picture = self._decoded(self._newest)
        if picture is not None:
            self._good = clock.monotonic()
        elif clock.monotonic() - self._good > self._patience_s:
            raise Unreadable(Trouble.UNDECODABLE)
        self.damaged += picture is None
        return picture

    def _decoded(self, data: bytes) -> NDArray[np.uint8] | None:
        if data.startswith(_BEGIN):
            if self._decoder is None:
                made = av.CodecContext.create("mjpeg", "r")
                assert isinstance(made, av.VideoCodecContext)
                self._decoder = made
                made.thread_count, made.thread_type = 1, "NONE"
            with contextlib.suppress(av.error.FFmpegError, ValueError):
                for frame in self._decoder.decode(av.Packet(data)):
                    return rgb_of(frame, self._converter)
            self._decoder = None
            return None
        with contextlib.suppress(cv2.error):
            picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
            if picture is not None:
                return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)
        return None


class _Jpeg:
    """One JPEG picture that comes in pieces: each byte is looked at once."""

    def __init__(self) -> None:
        self._at = 2

    def end(self, data: bytes | bytearray) -> int | None:
        """Return where the picture at the beginning of some bytes ends; None: not yet, ask again with more of them.

        Negative: where the next one begins in a torn one. Segments are skipped by their lengths, because a thumbnail in one of them has
        an end of its own.
        """
        while found := _MARKER.search(data, self._at):
            self._at, mark = found.end(), found[0][1]
            if mark == _END:
                return self._at
            if mark == 0xD8:
                return -found.start()
            if mark != 0x01:
                if len(data) < self._at + 2:
                    self._at = found.start()
                    return None
                self._at += int.from_bytes(data[self._at : self._at + 2], "big")
        self._at = max(self._at, len(data) - 1)  # a marker may be cut in two
        return None


class _Cutter:
    """Cuts JPEG pictures out of bytes that come in pieces, whatever stands between them.

    Attributes:
        found: whether there was a picture.
    """

    def __init__(self) -> None:
        self._data = bytearray()
        self._picture: _Jpeg | None = None
        self.found = False

    def cut(self, more: bytes) -> Iterator[bytes]:
        """Yield the pictures that end in the next piece.

        Raises:
            Unreadable: there are none.
        """
        self._data += more
        while (picture := self._begun()) is not None:
            end = picture.end(self._data)
            if end is None:
                if len(self._data) > _LARGEST:
                    self._leave(2)
                return
            if end > 0:
                self.found = True
                yield bytes(self._data[:end])
            self._leave(abs(end))

    def _begun(self) -> _Jpeg | None:
        """Return the picture that the bytes begin with; None: no one begins in them."""
        if self._picture is not None:
            return self._picture
        at = self._data.find(_BEGIN)
        if at >= 0:
            self._leave(at)
            self._picture = _Jpeg()
        elif len(self._data) > _LOST_IN:
            raise Unreadable(Trouble.NOT_VIDEO)
        elif self.found:  # what stands between pictures is not kept, except for a mark that is cut in two
            self._leave(len(self._data) - 2)
        return self._picture

    def _leave(self, count: int) -> None:
        del self._data[: max(0, count)]
        self._picture = None


def _stream(answer: _Answer, begin: bytes) -> Iterator[bytes]:
    """Yield the JPEG pictures of an endless answer."""
    cutter, more = _Cutter(), begin
    with contextlib.closing(answer):
        while True:
            yield from cutter.cut(more)
            try:
                more = answer.read1(_CHUNK)
            except TimeoutError as error:
                raise Unreadable(Trouble.STALLED if cutter.found else Trouble.TIMEOUT) from error
            except (OSError, http.client.HTTPException) as error:
                raise Unreadable(Trouble.ENDED) from error
            if not more:
                raise Unreadable(Trouble.ENDED if cutter.found else Trouble.NOT_VIDEO)


def _snapshots(client: _Client, answer: _Answer | None, begin: bytes, patience_s: float) -> Iterator[bytes]:
    """Yield a picture that is asked for again and again; an answer that fails is asked for again, too, for a while."""
    good = clock.monotonic()
    while True:
        began = clock.monotonic()
        try:
            if answer is None:
                answer, begin = client.ask(), b""
            with contextlib.closing(answer):
                data = _whole(answer, begin)
        except (OSError, http.client.HTTPException) as error:
            if clock.monotonic() - good > patience_s:
                raise error if isinstance(error, Unreadable) else Unreadable(Trouble.ENDED) from error
            clock.sleep(_RETRY_S)
        else:
            good = clock.monotonic()
            yield data
            clock.sleep(max(_FASTEST_S - (clock.monotonic() - began), (good - began) * (_SHARE - 1)))
        answer = None


def _whole(answer: _Answer, begin: bytes) -> bytes:
    """One picture, to the end of the answer or to its own."""
    data, picture = bytearray(begin), _Jpeg()
    while not (data.startswith(_BEGIN) and picture.end(data)) and (more := answer.read1(_CHUNK)):
        data += more
        if len(data) > _LARGEST:
            raise Unreadable(Trouble.NOT_VIDEO)
    if not data:
        raise Unreadable(Trouble.ENDED)
    return bytes(data)
