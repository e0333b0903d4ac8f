"""A figure of the page."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class PageFigure:
    """A drawing, its title and its caption; `wide` ones take the page's whole width."""

    title: str
    svg: Markup
    caption: str
    wide: bool
    narrow: Markup | None = None  # the same on a sheet for a phone
