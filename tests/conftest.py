"""What every test runs under: scores are printed; in continuous integration, where CI=true, a skip is a failure."""

import os
from collections.abc import Iterator

import pytest
from _pytest.terminal import TerminalReporter


def _skipped(config: pytest.Config) -> list[pytest.TestReport]:
    """Skips of tests and of whole modules; expected failures are not among them."""
    reporter: TerminalReporter | None = config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") != "true" or reporter is None:
        return []
    return list(reporter.stats.get("skipped", []))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """A run with a skip ends with the exit code of failed tests."""
    if exitstatus == pytest.ExitCode.OK and _skipped(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(wrapper=True)
def pytest_terminal_summary(terminalreporter: TerminalReporter, config: pytest.Config) -> Iterator[None]:
    """Says the scores that tests recorded, and names each skip with its reason, last, where a reader looks first."""
    yield
    for report in terminalreporter.stats.get("passed", []):
        for name, value in report.user_properties:
            if name == "score":
                terminalreporter.line(str(value))
    skipped = _skipped(config)
    if not skipped:
        return
    terminalreporter.section(f"{len(skipped)} skipped: a failure, since CI=true", red=True, bold=True)
    for report in skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        terminalreporter.line(f"{report.nodeid}: {reason}")
