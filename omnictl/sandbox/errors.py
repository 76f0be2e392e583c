"""The API's errors, in its own shape."""

from typing import Any

_MESSAGES = {
    400: ("BAD_REQUEST", "Bad request"),
    401: ("UNAUTHORIZED", "Invalid login details"),
    403: ("UNAUTHORIZED", "Unauthorized access"),
    404: ("NOT_FOUND", "Requested resource not found"),
    405: ("METHOD_NOT_ALLOWED", "Method not allowed"),
    409: ("CONFLICT", "creating scenario is forbidden"),
    429: ("TOO_MANY_REQUESTS", "Too many requests"),
    503: ("0", "Service unavailable"),
}
_OF_CLIENT = ("BAD_REQUEST", "Bad request")
_OF_SERVER = ("GENERAL_ERROR", "Something went wrong. Please contact support.")


class ConnectionCutError(ConnectionError):
    """The connection is to be cut here, without (the rest of) an answer."""


class ApiError(Exception):
    """An error that the API answers with; ``retry_after`` is a header, in seconds."""

    def __init__(
        self,
        status: int,
        text: str = "",
        *,
        validation_errors: dict[str, list[str]] | None = None,
        retry_after: int | None = None,
    ) -> None:
        usual_id, usual_text = _MESSAGES.get(status, _OF_CLIENT if status < 500 else _OF_SERVER)
        super().__init__(text or usual_text)
        self.status = status
        self.retry_after = retry_after
        self._message_id = usual_id
        self._validation_errors = validation_errors

    def document(self) -> dict[str, Any]:
        """Return the body."""
        exception: dict[str, Any] = {"messageId": self._message_id, "text": str(self)}
        if self._validation_errors:
            exception["validationErrors"] = self._validation_errors
        return {"requestError": {"serviceException": exception}}


def invalid(errors: dict[str, list[str]]) -> ApiError:
    """The scenario is no scenario; ``errors`` says why, by field."""
    return ApiError(400, "invalid scenario", validation_errors=errors)


def bad_request(errors: dict[str, list[str]]) -> ApiError:
    """A request cannot be taken; ``errors`` says why, by field or parameter."""
    return ApiError(400, "Bad Request", validation_errors=errors)
