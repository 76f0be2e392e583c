"""Small waves: the few creates of these stories go out in several, as the many of a real account do."""

from collections.abc import Iterator

import pytest

from omnictl.operations import waves


@pytest.fixture(autouse=True, scope="module")
def small_waves() -> Iterator[None]:
    """Let a worker be thought to make one create a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(waves, "CREATES_A_SECOND", 1)
        yield
