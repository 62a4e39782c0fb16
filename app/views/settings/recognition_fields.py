"""Fields of what happens between a camera and an event."""

from __future__ import annotations

from app.views.settings.described import Block, Named
from app.words.terms import N_

BLOCKS = (
    Block(
        ("matching",),
        N_("Targets"),
        (
            Named(
                "target_fpir", N_("Strangers named"), N_("Share of strangers whom a single look may name."), N_("rate")
            ),
            Named("target_fmr", N_("False matches"), N_("Per comparison with one person."), N_("rate")),
            Named(
                "min_margin", N_("Margin"), N_("How far the best person must lie above the runner-up."), N_("cosine")
            ),
            Named(
                "threshold", N_("Fixed threshold"), N_("Empty: the one of the Tuning page."), N_("cosine"), more=True
            ),
            Named(
                "stranger_threshold",
                N_("Same stranger"),
                N_("From this similarity on. Empty: as for people."),
                N_("cosine"),
                more=True,
            ),
        ),
        takes="recorder",
    ),
    Block(
        ("presentation",),
        N_("Liveness"),
        (
            Named("policy", N_("Policy"), N_("Whether rows tell of liveness, or only living people are recorded.")),
            Named("challenge", N_("Challenge"), N_("Whom a kiosk asks to move their head.")),
            Named("challenge_s", N_("Time per step"), N_("Of the challenge.")),
            Named("challenge_tries", N_("Tries"), N_("Of one person in five minutes; then badge or PIN."), more=True),
            Named("min_turn_deg", N_("Smallest turn"), N_("From which Muster judges depth."), more=True),
            Named("still_s", N_("Still face"), N_("A face that does not change for so long is a picture."), more=True),
            Named(
                "frozen_s", N_("Frozen stream"), N_("A stream that does not change for so long is frozen."), more=True
            ),
            Named("loop_s", N_("Looped stream"), N_("A stream that repeats itself for so long is looped."), more=True),
        ),
        takes="recorder",
    ),
    Block(
        ("events",),
        N_("Events"),
        (
            Named("cool_down_s", N_("Between punches"), N_("A person punches at most once in this time.")),
            Named("tailgating", N_("Tailgating"), N_("Record people who pass together.")),
            Named("unknown", N_("Strangers"), N_("Record people whom Muster does not know.")),
            Named("door_window_s", N_("Door window"), N_("Who comes within it passes together.")),
            Named(
                "identify_s", N_("Time to identify"), N_("By badge or PIN, before somebody is a stranger."), more=True
            ),
            Named("episode_gap_s", N_("New visit"), N_("A stranger who returns after so long."), more=True),
            Named("min_presence_s", N_("Shortest passage"), N_("A shorter view is no passage."), more=True),
            Named("settle_s", N_("Wait for names"), N_("Before tailgating is recorded."), more=True),
            Named("context_s", N_("Pictures around"), N_("How far before and after tailgating they lie."), more=True),
            Named("film_gb", N_("Room for films"), N_("Of incidents. The oldest go first; 0 keeps none."), more=True),
        ),
        takes="recorder",
    ),
    Block(
        ("voting",),
        N_("Decisions"),
        (
            Named(
                "min_agreeing", N_("Frames for a name"), N_("Good frames that must agree on a person."), N_("frames")
            ),
            Named(
                "min_unknown",
                N_("Frames for nobody"),
                N_("Good frames that must agree that nobody is known."),
                N_("frames"),
            ),
            Named("min_share", N_("Share of votes"), N_("What the winner must hold; above 0.5."), N_("share")),
            Named("window", N_("Frames that count"), N_("The latest good ones."), N_("frames")),
            Named("embed_interval_s", N_("Between votes"), N_("Of an undecided track; 0: every good frame.")),
            Named("settled_interval_s", N_("Between glances"), N_("At a person who has a name.")),
            Named("name_holds_s", N_("Name holds"), N_("Without a face that confirms it.")),
        ),
        takes="recorder",
        more=True,
    ),
    Block(
        ("quality",),
        N_("Quality of faces"),
        (
            Named("min_size_px", N_("Between the eyes"), N_("Smallest distance.")),
            Named("min_sharpness", N_("Sharpness"), N_("Smallest of the aligned face.")),
            Named("min_brightness", N_("Darkest"), N_("Mean brightness, 0 to 1.")),
            Named("max_brightness", N_("Brightest"), N_("Mean brightness, 0 to 1.")),
            Named("min_contrast", N_("Contrast"), N_("Smallest.")),
            Named("max_yaw_deg", N_("Turn to the side"), N_("Largest.")),
            Named("max_pitch_deg", N_("Turn up or down"), N_("Largest.")),
            Named("min_inside", N_("In the picture"), N_("Smallest share of the face."), N_("share")),
        ),
        takes="recorder",
        more=True,
    ),
    Block(
        ("detection",),
        N_("Finding faces"),
        (
            Named("min_face_px", N_("Smallest face"), N_("In video. A larger value is faster.")),
            Named("photo_min_face_px", N_("Smallest in photos")),
            Named("photo_max_megapixels", N_("Largest photo")),
            Named("scan_interval_s", N_("Between searches"), N_("Where something moves; 0: every frame.")),
            Named("idle_interval_s", N_("While nothing moves"), N_("Between searches of the whole picture.")),
            Named("thresholds", N_("Scores"), N_("That a candidate must reach in PNet, RNet and ONet.")),
            Named("scale_factor", N_("Pyramid"), N_("Ratio of neighbouring sizes."), N_("ratio")),
            Named("pad_share", N_("Border"), N_("Grey, around a photo without a face."), N_("share")),
        ),
        takes="recorder",
        more=True,
    ),
    Block(
        ("tracking",),
        N_("Following people"),
        (
            Named("max_gap_s", N_("Lost after"), N_("A track that is unseen for longer has ended.")),
            Named("min_iou", N_("Overlap"), N_("Smallest, of two boxes that belong together."), N_("ratio")),
            Named("max_center_shift", N_("Shift"), N_("Largest, of boxes that no longer overlap."), N_("box sides")),
        ),
        takes="recorder",
        more=True,
    ),
    Block(
        ("alignment",),
        N_("Mirror image"),
        (
            Named(
                "mirror",
                N_("Mirror image"),
                N_("Twice the time, fewer errors. Run `muster archive reembed` after a change."),
            ),
        ),
        takes="recorder",
        more=True,
    ),
    Block(
        ("embedding",),
        N_("Network"),
        (
            Named(
                "model",
                N_("Network"),
                N_("Empty: the gallery's. Run `muster archive reembed` after a change."),
            ),
            Named("max_batch", N_("Faces at once"), N_("Most in one run of the network."), N_("faces")),
        ),
        takes="recorder",
        more=True,
    ),
    Block(
        ("runtime",),
        N_("Computer"),
        (
            Named("backend", N_("Runs on"), N_("auto takes CUDA where there is any.")),
            Named("threads", N_("Threads"), N_("Of a network; 0: all cores."), N_("threads")),
        ),
        takes="server",
        more=True,
    ),
)
"""From the top."""
