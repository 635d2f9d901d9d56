"""A pytest plugin: how many examples gradient properties try, and a report of what they exercised.

Registered by entry point, and off unless asked for::

    pytest --gradcheck-examples 500

sets the number of examples of every property that says ``@settings(max_examples=examples(40))``, and of
all that give no number, and prints at the end how often each operation was differentiated.
Nothing here changes what is tested. Read next: ``gradcheck.py``.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

_asked: int | None = None
_counts: Counter[str] = Counter()


def examples(default: int) -> int:
    """The number of examples asked for by ``--gradcheck-examples``, or else `default`.

    Examples
    --------
    >>> from tinytensor.testing import examples
    >>> examples(40)
    40
    """
    return default if _asked is None else _asked


def pytest_addoption(parser: Any) -> None:
    """Add the option."""
    parser.getgroup("tinytensor").addoption(
        "--gradcheck-examples",
        type=positive,
        metavar="N",
        help="draw N examples for each gradient property, and report every operation that was differentiated",
    )


def positive(text: str) -> int:
    """A number of examples from the command line."""
    import argparse

    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a number of examples, 1 or more, got {text!r}")
    return int(text)


def pytest_configure(config: Any) -> None:
    """Switch on what was asked for."""
    global _asked
    asked = config.getoption("--gradcheck-examples", default=None)
    if asked is None:
        return
    _asked = asked
    count_operations_differentiated()
    try:
        from hypothesis import settings
    except ImportError:
        return  # gradcheck works without Hypothesis; there are no examples to set then
    settings.register_profile("gradcheck-examples", settings.default, max_examples=asked)
    settings.load_profile("gradcheck-examples")


def count_operations_differentiated() -> None:
    """Count each step of the chain rule by the name of its operation."""
    from .. import engine
    from ..rules.table import name_of

    step = engine.chain_rule

    def counted(node: Any, *args: Any, **kwargs: Any) -> Any:
        _counts[name_of(node._function)] += 1
        return step(node, *args, **kwargs)

    engine.chain_rule = counted


def pytest_sessionfinish(session: Any) -> None:
    """In a worker of pytest-xdist, hand the counts to the main process."""
    if _asked is not None and hasattr(session.config, "workeroutput"):
        session.config.workeroutput["gradcheck_counts"] = dict(_counts)


class Collector:
    """Adds up the counts of pytest-xdist's workers."""

    def pytest_testnodedown(self, node: Any) -> None:
        """Take one worker's counts."""
        _counts.update(getattr(node, "workeroutput", {}).get("gradcheck_counts", {}))


def pytest_plugin_registered(plugin: Any, manager: Any) -> None:
    """Collect from workers where pytest-xdist is there."""
    if manager.hasplugin("dsession") and not manager.hasplugin("gradcheck-collector"):
        manager.register(Collector(), "gradcheck-collector")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print how often each operation was differentiated, and which never."""
    if _asked is None:
        return
    from ..rules.table import RULES, name_of

    known = {name_of(function) for function in RULES}
    never = sorted(known - set(_counts))
    terminalreporter.section("operations differentiated")
    for name, count in _counts.most_common():
        terminalreporter.write_line(f"{count:>12,}  {name}")
    terminalreporter.write_line(f"{sum(_counts.values()):>12,}  in all, of {len(_counts)} operations")
    if never:
        terminalreporter.write_line(f"never: {', '.join(never)}")
