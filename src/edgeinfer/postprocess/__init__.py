"""Outputs of a network to results: one file per family of models."""

from .classification import classify
from .segmentation import segment

__all__ = ["classify", "segment"]
