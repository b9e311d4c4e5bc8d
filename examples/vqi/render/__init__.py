"""Seeded pictures of transmission towers and power lines with their label masks."""

from .classes import CLASSES, COLORS
from .scene import Scene, render

__all__ = ["CLASSES", "COLORS", "Scene", "render"]
