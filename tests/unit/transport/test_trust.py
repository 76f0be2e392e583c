"""Where credentials may go, and the tricks that try to send them elsewhere."""

import pytest

from omnictl.errors import AccessError
from omnictl.transport.trust import BaseUrl, check_base_url, is_loopback, parse_trusted_hosts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://xxxxx.api.infobip.com", "https://xxxxx.api.infobip.com"),
        ("xxxxx.api.infobip.com", "https://xxxxx.api.infobip.com"),
        (" https://API.Infobip.COM./ ", "https://api.infobip.com"),
        ("https://api.infobip.com:443", "https://api.infobip.com"),
        ("HTTPS://api.infobip.com:8443//a//b/", "https://api.infobip.com:8443/a/b"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.9.8.7:80/prefix", "http://127.9.8.7/prefix"),
        ("http://localhost:8080/", "http://localhost:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("http://[0:0:0:0:0:0:0:1]", "http://[::1]"),
        ("https://localhost", "https://localhost"),
    ],
)
def test_trusted_urls_are_put_together_anew(text: str, expected: str) -> None:
    assert check_base_url(text).text == expected


@pytest.mark.parametrize(
    "text",
    [
        "https://infobip.com.evil.org",
        "https://evilinfobip.com",
        "https://infobip.com",
        "https://infobip.org",
        "https://evil.org/api.infobip.com",
        "https://evil.org/.infobip.com",
        "https://127.0.0.1.evil.org",
        "https://localhost.evil.org",
        "https://0.0.0.0",
        "https://2130706433",
        "https://0x7f.1",
        "https://[::ffff:127.0.0.1]",
        "https://[fe80::1]",
        "https://169.254.169.254",
        "https://xn--nfobip-l5a.com",
        "http://evil.org",
    ],
)
def test_other_hosts_are_refused(text: str) -> None:
    with pytest.raises(AccessError) as caught:
        check_base_url(text, ("trusted.example.com",))
    [told] = caught.value.diagnostics
    assert told.code == "untrusted-host"
    assert told.commands[0].startswith("export OMNICTL_TRUSTED_HOSTS=")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "https://",
        "https://user:pa55word@api.infobip.com",
        "https://pa55word@api.infobip.com",
        "https://@api.infobip.com",
        "https://evil.org\\@api.infobip.com/pa55word",
        "https://evil.org#pa55word@api.infobip.com",
        "https://api.infobip.com?key=pa55word",
        "https://api.infobip.com?",
        "https://api.infobip.com#",
        "https://ınfobip.com/pa55word",
        "https://api。infobip.com",
        "https://api.infobip.com\n.evil.org",
        "https://api.infobip.com:port",
        "https://api.infobip.com:99999",
        "https://[::1",
        "https://[::1%25eth0]",
        "https://[v1.fe]",
        "https://[127.0.0.1]",
        "https://.infobip.com",
        "https://api..infobip.com",
        "https://api.infobip.com..",
        "https://-api.infobip.com",
        f"https://{'a' * 64}.infobip.com",
        f"https://{'a.' * 130}infobip.com",
        "https://api.infobip.com/%2e%2e/x",
        "https://api.infobip.com/../x",
        "https://api.infobip.com/a;b",
        "ftp://api.infobip.com",
        "file:///etc/passwd",
        "javascript://api.infobip.com",
        "https://api.infobip.com|evil.org",
    ],
)
def test_odd_urls_are_refused_without_an_echo(text: str) -> None:
    with pytest.raises(AccessError) as caught:
        check_base_url(text)
    [told] = caught.value.diagnostics
    assert told.code == "malformed-base-url"
    assert "pa55word" not in repr(caught.value) + repr(told)


def test_space_around_a_url_is_nothing() -> None:
    assert check_base_url("https://api.infobip.com\t").host == "api.infobip.com"


@pytest.mark.parametrize("host", ["api.infobip.com", "trusted.example.com"])
def test_plain_http_leaves_this_machine_never(host: str) -> None:
    with pytest.raises(AccessError, match="insecure-base-url"):
        check_base_url(f"http://{host}", ("trusted.example.com",))


@pytest.mark.parametrize(
    ("entries", "text", "trusted"),
    [
        ("proxy.example.com", "https://proxy.example.com", True),
        ("proxy.example.com", "https://proxy.example.com:8443", True),
        ("PROXY.example.com.", "https://proxy.example.com.", True),
        ("proxy.example.com:8443", "https://proxy.example.com:8443", True),
        ("proxy.example.com:443", "https://proxy.example.com", True),
        ("proxy.example.com:8443", "https://proxy.example.com", False),
        ("a, ,proxy.example.com,b", "https://proxy.example.com", True),
        ("example.com", "https://proxy.example.com", False),
        ("proxy.example.com", "https://proxy.example.com.evil.org", False),
        ("*.example.com", "https://proxy.example.com", False),
        ("[2001:db8::1]:8443", "https://[2001:DB8::1]:8443", True),
        ("2001:db8::1", "https://[2001:db8::1]", True),
        ("", "https://proxy.example.com", False),
    ],
)
def test_trusted_hosts_are_whole_names(entries: str, text: str, trusted: bool) -> None:
    hosts = parse_trusted_hosts(entries)
    if trusted:
        assert check_base_url(text, hosts).scheme == "https"
    else:
        with pytest.raises(AccessError, match="untrusted-host"):
            check_base_url(text, hosts)


def test_the_authority_names_host_and_unusual_port() -> None:
    assert BaseUrl("https", "h").authority == "h"
    assert BaseUrl("https", "::1", 8443).authority == "[::1]:8443"


@pytest.mark.parametrize(
    ("host", "expected"),
    [("localhost", True), ("127.0.0.1", True), ("127.255.0.3", True), ("::1", True), ("::2", False), ("a", False)],
)
def test_this_machine_is_known(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
