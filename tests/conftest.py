"""What every test shares: the choice of database, and hypothesis without a stopwatch, with the same examples each time.

A commit is judged by what it changes, not by luck; ``MUHENG_EXAMPLES=20`` hunts with fresh examples instead.
"""

import os
import shutil
import tempfile

import pytest
from hypothesis import settings

settings.register_profile("muheng", deadline=None, derandomize="MUHENG_EXAMPLES" not in os.environ)
settings.load_profile("muheng")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database",
        choices=("sqlite", "postgresql"),
        default="sqlite",
        help="what the site's tests store in; postgresql is a temporary server of their own",
    )


@pytest.hookimpl(tryfirst=True)  # tests/web/conftest.py sets Django up with what is chosen here
def pytest_configure(config: pytest.Config) -> None:
    """Give the site's tests a database and a home of their own; each worker of xdist its part of the home."""
    if hasattr(config, "workerinput"):
        os.environ["MUHENG_HOME"] += f"/{config.workerinput['workerid']}"
        return
    # Where nothing may keep bytecode, each of the many processes that tests start would compile the project anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    home = tempfile.mkdtemp(prefix="muheng-test-")
    config.add_cleanup(lambda: shutil.rmtree(home, ignore_errors=True))
    os.environ["MUHENG_HOME"] = home
    os.environ.pop("MUHENG_DATABASE", None)  # never a developer's own
    if config.getoption("database") == "postgresql":
        from postgresql import start_cluster

        cluster = start_cluster()
        config.add_cleanup(cluster.stop)
        os.environ["MUHENG_DATABASE"] = cluster.address
