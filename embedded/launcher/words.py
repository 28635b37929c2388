"""Tables of names, written as text."""


def words(text: str) -> frozenset[str]:
    """The names in a text, which are separated by spaces and line ends."""
    return frozenset(text.split())
