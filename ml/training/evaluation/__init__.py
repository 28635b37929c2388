"""How good a model is: `evaluation.json`, which the gate decides by, and `evaluation.html`, which
people read.

`contest` scores everybody on the same held-out rows, `report` draws what came of it.
"""
