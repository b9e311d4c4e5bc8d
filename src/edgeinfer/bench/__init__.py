"""Measuring a model on this machine, and judging whether two measurements differ.

``stages`` times, ``fresh`` times whole processes, ``trust`` says what speaks against the figures,
``record`` is the file, ``compare`` judges two of them, ``tune`` searches for faster settings.
"""
