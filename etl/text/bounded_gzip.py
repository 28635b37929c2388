"""Unpacks gzip in bounded memory: a small file can unpack to gigabytes."""

import zlib

_GZIP = 16 + zlib.MAX_WBITS


def unzip(content: bytes, most: int) -> bytes:
    """The content without gzip. Raises ValueError, whose message has no subject ("is damaged
    gzip"), if it is damaged, cut short or larger than `most` bytes."""
    parts: list[bytes] = []
    left = most
    while content:
        inflater = zlib.decompressobj(_GZIP)
        try:
            part = inflater.decompress(content, left + 1)
        except zlib.error as error:
            raise ValueError("is damaged gzip") from error
        left -= len(part)
        if left < 0:
            raise ValueError(f"unpacks to more than {most // 2**20} MB")
        if not inflater.eof:
            raise ValueError("is gzip that is cut short")
        parts.append(part)
        # Concatenated gzip files count as one file; zeros after them are padding.
        content = inflater.unused_data.lstrip(b"\0")
    return b"".join(parts)
