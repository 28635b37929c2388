"""The embedded cloud's launcher: ministack with patches and additions, on one port of 127.0.0.1.

Started as `python -m embedded.launcher --port P --gateway URL --home DIR`; see
docs/embedded-cloud.md.
"""
