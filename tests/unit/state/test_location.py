"""Where a state is: the parts of a URL, and what people are shown."""

from pathlib import Path

import pytest

from omnictl.state.location import Location, parse_location, shown_place


@pytest.mark.parametrize(
    ("url", "path", "inside"),
    [
        ("git+https://h/repo.git//prod", "/repo.git", "prod"),
        ("git+https://h/repo.git//", "/repo.git", "test"),
        ("git+https://h/repo.git//a/b//c", "/repo.git", "a/b//c"),
        ("git+file:////srv/repo.git//prod", "//srv/repo.git", "prod"),
        ("git+https://h/repo.git", "/repo.git", ""),
        ("s3://bucket/a//b", "/a//b", ""),
    ],
)
def test_two_slashes_part_a_repository_from_a_name(url: str, path: str, inside: str) -> None:
    location = parse_location(url, "test")
    assert isinstance(location, Location)
    assert (location.path, location.inside) == (path, inside)


def test_people_see_a_url_as_it_is_and_a_file_from_where_they_are() -> None:
    assert shown_place("git+https://h/repo.git//prod/state.json") == "git+https://h/repo.git//prod/state.json"
    assert shown_place(str(Path.cwd() / "state" / "prod.json")) == "state/prod.json"
