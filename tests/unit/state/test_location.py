"""Where a state is: the parts of a URL, and what people are shown."""

from pathlib import Path

import pytest
import yaml

from omnictl.errors import UsageError
from omnictl.state.location import SCHEMES, Location, in_settings, is_url, parse_location, shown_place

CANARY = "a-canary-of-a-password"


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


@pytest.mark.parametrize("before", ["", "/", "//", "///", "////"])
@pytest.mark.parametrize(
    "url",
    [*(f"{each}:" for each in SCHEMES), "GIT+HTTP:", "mysql:", "postgressql:"],
)
def test_a_password_is_refused_unseen_wherever_it_stands(url: str, before: str) -> None:
    for rest in ("h/config.git//one", "h", "h:5432/d/x", "h/d/x?host=/run/postgresql", f"h:{CANARY}/x", "h/d/x#y"):
        place = f"{url}{before}robot:{CANARY}@{rest}"
        assert is_url(place)
        with pytest.raises(UsageError) as refused:
            parse_location(place, "test")
        (told,) = refused.value.diagnostics
        assert told.code in ("wrong-state-url", "credentials-in-url")
        assert told.hint
        assert CANARY not in f"{told} {refused.value}"


@pytest.mark.parametrize(
    "url",
    [
        f"https://u:1/{CANARY}@h/x",
        f"postgresql://u:1/{CANARY}@h/d/x",
        f"git+ssh://git:1/{CANARY}@h/a.git//x",
        f"postgresql://u%3A{CANARY}@h/d/x",
        f"git+ssh://git%3a{CANARY}@h/a.git//x",
        f"s3://bucket/u%3A{CANARY}%40x",
        f"s3://u:1?{CANARY}@b/p",
        f"s3://b/p?{CANARY}:x",
        f"s3://b/p?endpoint=https://AKID:1/{CANARY}@h",
        f"az://b/p?endpoint=https%3A%2F%2FAKID%3A1%2F{CANARY}%40h",
        f"postgresql://h/d/n?sslrootcert=/u:1/{CANARY}@h",
        f"postgresql://h/d/n?host=u:1/{CANARY}@h",
    ],
)
def test_a_password_is_refused_unseen_however_it_is_spelled(url: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_location(url, "test")
    (told,) = refused.value.diagnostics
    assert told.code == "credentials-in-url"
    assert CANARY not in f"{told}"


@pytest.mark.parametrize(
    "url",
    [
        "s3:bucket/x",
        "s3:/bucket/x",
        "s3:///bucket/x",
        "git+https:///h/a.git//x",
        "git+ssh://git@/a.git//x",
        "git+file:/srv/a.git//x",
        "postgresql:///d/x",
        "postgresql:/h/d/x?host=/run",
        "https:///x",
        "https://h/x#y",
        f"https://me:{CANARY}#x@h/y",
        f"https://h:{CANARY}/y",
        f"https://[{CANARY}/y",
    ],
)
def test_a_url_has_two_slashes_and_a_host(url: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_location(url, "test")
    (told,) = refused.value.diagnostics
    assert told.code == "wrong-state-url"
    assert f"{url.partition(':')[0]}://" in told.hint
    assert CANARY not in f"{told}"


@pytest.mark.parametrize(
    ("place", "instead"),
    [
        ("git@github.com:a/b.git", "git+ssh://git@github.com/a/b.git//"),
        ("git@github.com:/a/b/", "git+ssh://git@github.com/a/b//"),
        (f"{CANARY}@github.com:a/b.git", "git+ssh://git@HOST/REPOSITORY//"),
        (f"u:{CANARY}@host:x", "git+ssh://git@HOST/REPOSITORY//"),
        (f"robot:{CANARY}@host/x", "git+ssh://git@HOST/REPOSITORY//"),
        (f"git@host:{CANARY}@x", "git+ssh://git@HOST/REPOSITORY//"),
    ],
)
def test_the_short_form_of_ssh_is_refused_with_the_url_to_write(place: str, instead: str) -> None:
    assert is_url(place)
    with pytest.raises(UsageError) as refused:
        parse_location(place, "test")
    (told,) = refused.value.diagnostics
    assert (told.code, told.commands) == ("wrong-state-url", (instead,))
    assert CANARY not in f"{told}"


@pytest.mark.parametrize(
    "place", [f"u:1/{CANARY}@h/x", f"https//u:{CANARY}@h/x", f"https;//u:1/{CANARY}@h/x", f"x//u:{CANARY}@h"]
)
def test_a_password_with_a_slash_makes_no_path(place: str) -> None:
    assert is_url(place)
    with pytest.raises(UsageError) as refused:
        parse_location(place, "test")
    assert CANARY not in f"{refused.value.diagnostics}"


@pytest.mark.parametrize(
    "path",
    [
        "state/production.json",
        "/srv/state.json",
        "C:\\x\\state.json",
        "C:/me@work/state.json",
        "C:\\me@work\\a:b",
        "a:b.json",
        "eu:production.json",
        "state/2026-01-01T10:00.json",
        "me@work/state.json",
        "me@work.json",
        "./git@github.com:a/b.git",
        "state/a:b@c.json",
        "\\\\server\\me@share\\a:b",
    ],
)
def test_a_path_stays_a_path(path: str) -> None:
    assert not is_url(path)


@pytest.mark.parametrize(
    "options",
    [
        f"endpoint=https://me:{CANARY}@minio",
        f"endpoint=https:/{CANARY}@minio",
        f"region=x&lock_address=http://a@h/{CANARY}",
        f"sas_token={CANARY}",
    ],
)
def test_an_option_holds_no_credential(options: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_location(f"s3://bucket/x?{options}", "test")
    (told,) = refused.value.diagnostics
    assert told.code == "credentials-in-url"
    assert CANARY not in f"{told}"
    parse_location("postgresql:///d/x?host=@omnictl&sslrootcert=C:/me@work/ca.pem", "test")


@pytest.mark.parametrize(
    "url",
    [
        "s3://bucket/x/?endpoint=http://127.0.0.1:9000&region=us-east-1&profile=a%20b&virtual_hosted=true&allow_http=true",
        "az://container/x/?account=mine",
        "https://h:8443/x/?lock_address=https://h:8443/lock&lock_method=PUT",
        "git+http://h/a.git//?refs=heads&allow_http=true",
        "postgresql://me@h:5433/d/?schema=s&host=/run",
    ],
)
def test_the_text_of_a_url_opens_the_same_place(url: str) -> None:
    location = parse_location(url, "test")
    assert location.text == url.replace("/?", "/test?")
    assert parse_location(location.text, "other") == location


@pytest.mark.parametrize(
    ("place", "is_quoted"),
    [
        ("s3://b/x?endpoint=http://127.0.0.1:9000&region=us-east-1", True),
        ("https://h/a%2Fb/x", False),
        ("state/production.json", False),
        ("/srv/states/production", False),
        ("production.json", False),
        ("s3://b/x,y", True),
        ("s3://b/x:", True),
        ("my states/p.json", True),
        ("a, b}: #c.json", True),
        ('été/"p".json', True),
        ("null", True),
        ("12", True),
        ("~/x", True),
        ("-/x.json", False),
    ],
)
def test_a_place_stands_in_the_settings_as_yaml_reads_it(place: str, is_quoted: bool) -> None:
    written = in_settings(place)
    assert (written != place) == is_quoted
    assert yaml.safe_load(f"environments: {{test: {{state: {written}}}}}")["environments"]["test"]["state"] == place


@pytest.mark.parametrize(
    "place",
    [
        f'"https://u:{CANARY}@h/x"',
        f" https://u:{CANARY}@h/x",
        "s3://bucket/x/ ",
        f"git::https://u:{CANARY}@h/x",
        f"jdbc:postgresql://h/d?user=u&password={CANARY}",
        f"//u:{CANARY}@host/x",
        f"user=u password={CANARY} host=h dbname=x",
        f"AccountKey={CANARY};AccountName=x",
        f"https://h.invalid/x?u:{CANARY}@",
        f"postgresql://h/d/x?host=u:{CANARY}@h",
        f"s3://bucket/u:{CANARY}@x/",
    ],
)
def test_what_other_tools_and_shells_make_of_a_url_is_neither_a_file_nor_shown(place: str) -> None:
    assert is_url(place)
    with pytest.raises(UsageError) as refused:
        parse_location(place, "test")
    assert CANARY not in f"{refused.value.diagnostics}"


@pytest.mark.parametrize("place", ["./token=1/state.json", "/srv/pass=1/x.json", "state dir/x.json", "a=b.json"])
def test_a_path_with_odd_words_stays_a_path(place: str) -> None:
    assert not is_url(place)


def test_several_hosts_of_a_database_may_each_say_their_port() -> None:
    found = parse_location("postgresql://u@h1:5433,h2:5433/db/n?target_session_attrs=read-write", "test")
    assert (found.host, found.port, found.username) == ("h1,h2", 5433, "u")
    assert parse_location(found.text, "test") == found
    for hosts in ("h1:5433,h2:5434", "h1:5433,h2"):
        with pytest.raises(UsageError) as refused:
            parse_location(f"postgresql://{hosts}/db/n", "test")
        assert "all have one port" in refused.value.diagnostics[0].detail
