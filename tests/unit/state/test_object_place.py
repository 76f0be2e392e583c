"""What the URL of an object store and the variables of its platform may say."""

import pytest

from omnictl.errors import UsageError
from omnictl.state.location import parse_location
from omnictl.state.objects.place import ObjectPlace, parse_object_place

KEYS = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "hidden", "AWS_REGION": "eu-central-1"}


def parse(url: str, **environ: str) -> ObjectPlace:
    return parse_object_place(parse_location(url, "production"), environ)


def test_a_bucket_and_a_path_and_the_variables_of_the_platform() -> None:
    place = parse("s3://bucket/team/omnictl/", **KEYS)
    assert (place.bucket, place.prefix) == ("bucket", "team/omnictl/production")
    assert place.location == "s3://bucket/team/omnictl/production"
    assert place.config == {"access_key_id": "AKID", "secret_access_key": "hidden", "region": "eu-central-1"}
    assert place.secrets == ("hidden",)
    assert (
        "a-signature-of-it" in parse("az://c/p?account=x", AZURE_STORAGE_SAS_KEY="sv=1&sig=a-signature-of-it").secrets
    )
    assert not place.allow_http


def test_options_go_before_variables() -> None:
    url = "s3://bucket/p?region=us-west-2&endpoint=https://s3.example.com/&virtual_hosted=true&profile=work"
    place = parse(url, AWS_PROFILE="home", AWS_DEFAULT_REGION="x", AWS_ENDPOINT_URL="https://other.example", **KEYS)
    assert place.location == url
    assert place.config["region"] == "us-west-2"
    assert place.config["endpoint"] == "https://s3.example.com"
    assert place.config["virtual_hosted_style_request"] == "true"
    assert place.profile == "work"
    assert parse("az://c/p?account=mine", AZURE_STORAGE_ACCOUNT_NAME="other").config == {"account_name": "mine"}


def test_variables_are_read_where_there_is_no_option() -> None:
    place = parse("s3://b/p", AWS_PROFILE="home", AWS_DEFAULT_REGION="x", AWS_ENDPOINT_URL="https://s3.example")
    assert (place.config["region"], place.config["endpoint"], place.profile) == ("x", "https://s3.example", "home")
    assert parse("s3://b/p", AWS_REGION="y", AWS_DEFAULT_REGION="x").config["region"] == "y"
    assert parse("gs://b/p", GOOGLE_APPLICATION_CREDENTIALS="/k.json").config == {"application_credentials": "/k.json"}


def test_plain_http_is_for_this_machine_or_what_is_said_to_be_safe() -> None:
    for endpoint in ("http://127.0.0.1:9000", "http://localhost:9000", "http://[::1]:9000"):
        assert parse(f"s3://b/p?endpoint={endpoint}").allow_http
    assert parse("gs://b/p?endpoint=http://minio:9000&allow_http=true").allow_http
    assert not parse("gs://b/p?endpoint=https://minio:9000&allow_http=true").allow_http
    with pytest.raises(UsageError) as refused:
        parse("s3://b/p", AWS_ENDPOINT_URL="http://minio:9000")
    assert "allow_http=true" in refused.value.diagnostics[0].hint


@pytest.mark.parametrize(
    "url",
    [
        "s3://bucket:9000/path",
        "s3://bucket/a//b",
        "s3://bucket/a/../b",
        "s3://bucket/a%0ab",
        "s3://bucket/" + "a" * 800,
        "s3://bucket/p?account=mine",
        "gs://bucket/p?region=x",
        "s3://bucket/p?allow_http=yes",
        "s3://bucket/p?endpoint=minio:9000",
        "s3://bucket/p?endpoint=ftp://minio",
        "s3://bucket/p?endpoint=https://minio/%3Fa=hidden",
        "s3://bucket/p?endpoint=https://minio:99999999",
        "az://container/p",
    ],
)
def test_what_makes_no_sense_is_refused_and_says_what_would(url: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse(url)
    (told,) = refused.value.diagnostics
    assert told.code == "wrong-object-url"
    assert told.detail
    assert told.hint
    assert "hidden" not in f"{told}"
