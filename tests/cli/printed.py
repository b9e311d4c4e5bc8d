"""What the command prints, taken apart."""


def rows(text: str) -> list[str]:
    """The lines of a table below its titles, up to the empty line."""
    lines = text.splitlines()
    (rule,) = (number for number, line in enumerate(lines) if line.startswith("---"))
    below = lines[rule + 1 :]
    return below[: below.index("")] if "" in below else below
