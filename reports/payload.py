"""What the script of a page gets: plain values as JSON that is safe in HTML, compressed where it is long."""

from __future__ import annotations

import base64
import gzip
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from markupsafe import Markup


def embed(value: Any) -> Markup:
    r"""Write plain values as JSON that is safe inside a script element, whatever text they hold.

    Examples
    --------
    >>> print(embed({"headline": "</script><!-- & \u2028"}))
    {"headline":"\u003c/script\u003e\u003c!-- \u0026 \u2028"}
    """
    from markupsafe import Markup

    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    for mark in "<>&":
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return Markup(text)


def pack(value: Any) -> Markup:
    """Write plain values as compressed JSON in base64, the same bytes for the same values.

    Examples
    --------
    >>> unpack(pack({"headline": "</script>"}))
    {'headline': '</script>'}
    """
    from markupsafe import Markup

    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    packed = gzip.compress(text.encode("utf-8", "replace"), 9, mtime=0)
    return Markup(base64.b64encode(packed).decode("ascii"))


def unpack(text: str) -> Any:
    """Read back what `pack` wrote."""
    return json.loads(gzip.decompress(base64.b64decode(text)))
