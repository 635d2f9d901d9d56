"""The judge of the project's speed: ``make bench``, or ``python -m benchmarks --help``.

Each contestant runs in a process of its own, since the thread pools of two would fight in one; they take turns in
rounds, so that drift of the machine hits all alike. Read in this order: ``problem.py`` (what is computed),
``contestants/`` (the same step, written for each framework), ``worker.py`` and ``processes.py`` (the two ends of a
pipe), ``rounds.py``, ``cases.py`` and ``special.py`` (what is measured), ``targets.py`` and ``report.py`` (the
verdict). ``two_copies.py`` judges a change of one's own, ``tried.py`` single ideas.
"""
