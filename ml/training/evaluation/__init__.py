"""Evaluates a model: `evaluation.json` for the gate's decision, and `evaluation.html` for people.

`comparison` scores all systems on the same held-out rows, `report` draws the result.
"""
