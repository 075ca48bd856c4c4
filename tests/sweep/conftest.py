"""What tests of runs and files share."""

import pytest

from jaxtransport.sweep import plan as plans


@pytest.fixture
def small_blocks(monkeypatch, tmp_path_factory):
    """Blocks and batches of 8 points, so that a short sweep has many; compiled code is kept meanwhile."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.setattr(plans, "BLOCK_COST", 1)
    monkeypatch.setattr(plans, "BATCH_POINTS", dict.fromkeys(plans.BATCH_POINTS, 8))
