"""Wrong rules, planted one by one: what ``python -m tests.mutants`` is made of.

`operators` says how a line of calculus goes wrong; `plant` finds the rules in the source and plants
the mistakes; `worker` runs the ordinary tests on each; `equivalent` lists the mistakes that are none.
Nothing here is a test: the tests that kill are the ordinary ones. Read first: ``operators.py``.
"""
