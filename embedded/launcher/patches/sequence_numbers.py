"""Upstream: a record's sequence number begins with zeros.

AWS's numbers have none, and a request that names one with zeros is refused. Here a number begins
with 49, as most of AWS's do; upstream compares numbers as texts of one length.
"""

from ministack.services import kinesis

EXPECTS = {"services.kinesis:_next_sequence_number": "763b641fd10b"}


def apply() -> None:
    upstream = kinesis._next_sequence_number
    kinesis._next_sequence_number = lambda: f"49{upstream()}"
