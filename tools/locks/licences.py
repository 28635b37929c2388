"""Prints the licences of all installed distributions as JSON, by name."""

import json
import re
from email.message import Message
from importlib.metadata import distributions


def licence(metadata: Message) -> str | None:
    """The SPDX expression if there is one, or else the text of the classifiers or the field."""
    if expression := metadata.get("License-Expression"):
        return expression
    prefix = "License :: OSI Approved :: "
    stated = [text for text in metadata.get_all("Classifier", []) if text.startswith(prefix)]
    if stated:
        return " AND ".join(text.removeprefix(prefix) for text in stated)
    # Some packages put the complete text of the licence there.
    return (metadata.get("License") or "").strip().split("\n")[0] or None


print(
    json.dumps(
        {
            re.sub(r"[-_.]+", "-", found.metadata["Name"]).lower(): licence(found.metadata)
            for found in distributions()
        }
    )
)
