"""A badge as a card to print: the name and a QR code that a reader at the kiosk types. In credit card size, and kept by nobody else."""

from __future__ import annotations

import segno
from markupsafe import Markup

_PAGE = Markup(
    """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{name}</title>
<style>
@page {{ size: 85.6mm 54mm; margin: 0; }}
body {{ margin: 0; font: 11pt/1.25 system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif; color: #000; background: #fff; }}
main {{ box-sizing: border-box; width: 85.6mm; height: 54mm; padding: 5mm; overflow: hidden; display: grid;
  grid-template-columns: 1fr 40mm; gap: 4mm; align-items: center; }}
h1 {{ margin: 0; font-size: 15pt; line-height: 1.15; overflow-wrap: anywhere; }}
p {{ margin: 1.5mm 0 0; overflow-wrap: anywhere; }}
svg {{ width: 40mm; height: 40mm; }}
@media screen {{ main {{ margin: 10mm; outline: 1px solid #999; }} }}
</style>
</head>
<body>
<main><div><p>{organisation}</p><h1>{name}</h1><p>{employee_id}</p></div>{code}</main>
</body>
</html>
"""
)


def badge_card(code: str, name: str, employee_id: str, organisation: str = "") -> str:
    """A card as one HTML page that loads nothing from elsewhere; a browser prints it or saves it as PDF.

    Args:
        code: of the badge, see `engine.access.badges`.
    """
    # a quarter of the code may be scratched or dirty
    drawn = segno.make_qr(code, error="q").svg_inline(scale=1, border=2, omitsize=True, title=f"QR {employee_id}")
    return str(
        _PAGE.format(name=name or employee_id, organisation=organisation, employee_id=employee_id, code=Markup(drawn))
    )
