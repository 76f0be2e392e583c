"""How long the throttles make an apply."""

import pytest

from omnictl.engine.cost import estimate_seconds


@pytest.mark.parametrize(
    ("requests", "limit", "used", "least", "most"),
    [
        (0, 20, (), 0, 0),
        (1, 20, (), 0, 1),
        (20, 20, (), 0, 7),
        (21, 20, (), 600, 607),
        (41, 20, (), 1200, 1207),
        (1, 20, (10.0,) * 20, 590, 600),
        (1, 20, (700.0,) * 20, 0, 1),
        (10, None, (), 3, 3),
    ],
)
def test_estimate(requests: int, limit: int | None, used: tuple[float, ...], least: float, most: float) -> None:
    seconds = estimate_seconds(requests, limit=limit, window_seconds=600.0, used_ages=used)
    assert least <= seconds <= most
