"""Cameras that answer a probe are found, by address; strangers' answers are believed in nothing else."""

from __future__ import annotations

import re
import socket

import pytest
from network_cameras import answer, responding

from engine.operations.camera_search import FoundCamera, find_cameras

HIKVISION = "onvif://www.onvif.org/name/HIKVISION%20DS-2CD2143 onvif://www.onvif.org/hardware/DS-2CD2143"


def test_cameras_are_found_once_each_with_the_address_of_their_stream() -> None:
    other = "onvif://www.onvif.org/name/Door_Cam onvif://www.onvif.org/manufacturer/Acme"
    answers = [
        answer(HIKVISION, "http://10.0.0.20/onvif/device_service", "http://[fe80::1]/onvif"),
        answer(other, "http://10.0.0.3:8080/onvif/device_service"),
        answer(other, "http://10.0.0.3:8080/onvif/device_service"),
        answer("", "http://[fd00::7]/onvif"),
    ]
    with responding(answers) as (place, probes):
        found = find_cameras(1.2, place)
    assert len(probes) == 2, "a datagram may be lost"
    assert len(set(re.findall("uuid:[^<]+", "".join(probes)))) == 1
    assert "NetworkVideoTransmitter" in probes[0]
    hosts = {each.host: each for each in found}
    assert list(hosts) == ["10.0.0.3", "10.0.0.20", "fd00::7"]
    assert hosts["10.0.0.20"].source == "rtsp://10.0.0.20:554/Streaming/Channels/101"
    assert hosts["10.0.0.3"] == FoundCamera("10.0.0.3", "Door Cam", "Acme")
    assert hosts["10.0.0.3"].source == "rtsp://10.0.0.3:554/"
    assert hosts["fd00::7"].source == "rtsp://[fd00::7]:554/"


@pytest.mark.parametrize(
    "said",
    [
        "",
        "\x00\xff not xml",
        "<a:RelatesTo>{to}</a:RelatesTo>",
        answer("", "http://10.0.0.9/").replace("ProbeMatches", "Hello"),
        '<!DOCTYPE x [<!ENTITY a "10.0.0.9">]>' + answer("", "http://&a;/").replace("{to}", "uuid:another"),
    ],
)
def test_what_is_no_answer_to_this_probe_is_nothing(said: str) -> None:
    with responding([said]) as (place, _):
        assert find_cameras(0.3, place) == []


def test_an_answer_for_another_probe_is_nothing() -> None:
    with responding([answer("", "http://10.0.0.9/")], to="uuid:another") as (place, _):
        assert find_cameras(0.3, place) == []


def test_names_are_texts_and_hosts_are_addresses() -> None:
    scopes = "onvif://www.onvif.org/name/%3Cimg%20src=x%3E%00%1b%5B31m" + "x" * 200
    with responding([answer(scopes, "http://evil.example/x", "file:///etc/passwd")]) as (place, _):
        (found,) = find_cameras(0.4, place)
    assert found.host == "127.0.0.1"
    assert found.name.isprintable()
    assert len(found.name) <= 60


def test_a_network_without_cameras_or_without_anything_is_an_empty_list() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody:
        nobody.bind(("127.0.0.1", 0))
        place = nobody.getsockname()
    assert find_cameras(0.2, place) == []
