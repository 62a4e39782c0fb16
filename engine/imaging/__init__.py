"""Picture and video files: decode, encode, crop, draw.

Not here: face detection and recognition (the stations), and camera frames (`engine.sources`).
"""

from engine.imaging.broadcast import Broadcast, LivePicture, shrunk
from engine.imaging.clips import Film, boxes_of, encoded, pictures_of, remuxed, with_boxes
from engine.imaging.drawing import WORDS, PersonMark, crop_around, draw_tracks, person_marks
from engine.imaging.frames import packets_of, rgb_of, turns_of
from engine.imaging.images import (
    IMAGE_SUFFIXES,
    MAX_BYTES,
    MAX_PIXELS,
    PictureTooLarge,
    check_size,
    decode_image,
    encode_jpeg,
    list_images,
    read_image,
    turned,
    write_jpeg,
)
from engine.imaging.video import VideoWriter

__all__ = [
    "IMAGE_SUFFIXES",
    "MAX_BYTES",
    "MAX_PIXELS",
    "WORDS",
    "Broadcast",
    "Film",
    "LivePicture",
    "PersonMark",
    "PictureTooLarge",
    "VideoWriter",
    "boxes_of",
    "check_size",
    "crop_around",
    "decode_image",
    "draw_tracks",
    "encode_jpeg",
    "encoded",
    "list_images",
    "packets_of",
    "person_marks",
    "pictures_of",
    "read_image",
    "remuxed",
    "rgb_of",
    "shrunk",
    "turned",
    "turns_of",
    "with_boxes",
    "write_jpeg",
]
