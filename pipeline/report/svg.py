"""From a matplotlib drawing to an SVG inside the page: no clashing ids, no inline styles, the page's colours."""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from xml.etree import ElementTree

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Role to the colour on a light page. The colour stays in the SVG, the class f-<role> or s-<role> beside it lets the
# page's style sheet give another one on a dark page.
ROLES = {
    "ink": "#22272c",
    "muted": "#68707a",
    "line": "#dcdad4",
    "rust": "#b04a26",
    "steel": "#27628c",
    "d0": "#f0d9cc",
    "d1": "#e7b79d",
    "d2": "#d98f6c",
    "d3": "#c26a44",
    "d4": "#9a4425",
    "d5": "#6a2a14",
    "h0": "#cf7d55",
    "h1": "#bd6540",
    "h2": "#a54d2a",
    "h3": "#853a1e",
    "h4": "#622712",
    "h5": "#3a1307",
}
_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "ferroscreen",
    "font.size": 9.0,
    "text.color": ROLES["ink"],
    "axes.edgecolor": ROLES["muted"],
    "axes.labelcolor": ROLES["ink"],
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.axisbelow": True,
    "grid.color": ROLES["line"],
    "grid.linewidth": 0.6,
    "xtick.color": ROLES["muted"],
    "ytick.color": ROLES["muted"],
    "xtick.labelcolor": ROLES["ink"],
    "ytick.labelcolor": ROLES["ink"],
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "legend.handlelength": 1.4,
}
_SVG = "http://www.w3.org/2000/svg"
_XLINK = "{http://www.w3.org/1999/xlink}href"
_ROLE_OF = {colour: role for role, colour in ROLES.items()}
_LONG_DECIMAL = re.compile(r"(\d+\.\d)\d+")  # a tenth of a point is finer than a screen
_REFERENCE = re.compile(r"#([^)]+)")


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a drawing that takes the page's whole width is drawn on; the ids of each sheet's drawings end in its suffix."""

    suffix: str
    width: float  # inches


WIDE = Sheet("", 10.6)
NARROW = Sheet("-narrow", 5.2)  # for a phone: the same letters, half the width

_lock = threading.Lock()  # matplotlib keeps its style in one place for all threads


def draw(name: str, label: str, paint: Callable[[Axes], None], size: tuple[float, float] = (5.2, 3.5)) -> str:
    """An SVG element with what `paint` puts on the axes.

    Args:
        name: prefix of all ids, unique on the page.
        label: what a screen reader says.
        paint: draws on the axes it is given.
        size: width and height in inches.
    """
    with _lock, matplotlib.style.context(["default", _STYLE]):
        figure = Figure(figsize=size, layout="constrained")
        paint(figure.add_subplot())
        raw = io.StringIO()
        figure.savefig(raw, format="svg", transparent=True, metadata={"Date": None})
    return _adapt(raw.getvalue(), name, label)


def _adapt(raw: str, name: str, label: str) -> str:
    root = ElementTree.fromstring(raw)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in (f"{{{_SVG}}}metadata", f"{{{_SVG}}}style"):
                parent.remove(child)
    for element in root.iter():
        element.tag = element.tag.removeprefix(f"{{{_SVG}}}")
        element.text = (element.text or "").strip() or None
        element.tail = None
        _restyle(element)
    _rename_ids(root, name)
    _drop_empty(root)
    for attribute in ("width", "height", "version"):
        root.attrib.pop(attribute, None)
    root.attrib |= {"xmlns": _SVG, "role": "img", "aria-label": label, "class": "plot"}
    return ElementTree.tostring(root, encoding="unicode")


def _restyle(element: ElementTree.Element) -> None:
    """The page's policy forbids style attributes; presentation attributes do the same and yield to the style sheet."""
    classes = []
    for rule in filter(None, (part.strip() for part in element.attrib.pop("style", "").split(";"))):
        key, _, value = (part.strip() for part in rule.partition(":"))
        if key == "font-family":
            continue
        element.set(key, value)
        if key in ("fill", "stroke") and value in _ROLE_OF:
            classes.append(f"{key[0]}-{_ROLE_OF[value]}")
    if classes:
        element.set("class", " ".join(classes))
    for key in ("d", "x", "y"):
        if key in element.attrib:
            element.set(key, _LONG_DECIMAL.sub(r"\1", " ".join(element.attrib[key].split())))


def _rename_ids(root: ElementTree.Element, name: str) -> None:
    wanted: dict[str, str] = {}
    for element in root.iter():
        if _XLINK in element.attrib:
            element.set("href", element.attrib.pop(_XLINK))
        for key in ("href", "clip-path"):
            found = _REFERENCE.search(element.get(key, ""))
            if found:
                new = wanted.setdefault(found[1], f"{name}-{len(wanted)}")
                element.set(key, element.attrib[key].replace(f"#{found[1]}", f"#{new}"))
    for element in root.iter():
        old = element.attrib.pop("id", None)
        if old in wanted:
            element.set("id", wanted[old])


def _drop_empty(element: ElementTree.Element) -> None:
    for child in list(element):
        _drop_empty(child)
        if child.tag in ("g", "defs") and len(child) == 0:
            element.remove(child)
