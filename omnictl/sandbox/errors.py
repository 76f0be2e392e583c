"""The API's errors, in its own shape."""

from typing import Any


class ApiError(Exception):
    """An error that the API answers with."""

    def __init__(
        self, status: int, message_id: str, text: str, validation_errors: dict[str, list[str]] | None = None
    ) -> None:
        super().__init__(text)
        self.status = status
        self._message_id = message_id
        self._text = text
        self._validation_errors = validation_errors

    def document(self) -> dict[str, Any]:
        """Return the body."""
        exception: dict[str, Any] = {"messageId": self._message_id, "text": self._text}
        if self._validation_errors:
            exception["validationErrors"] = self._validation_errors
        return {"requestError": {"serviceException": exception}}


def invalid(errors: dict[str, list[str]]) -> ApiError:
    """The scenario is no scenario."""
    return ApiError(400, "BAD_REQUEST", "invalid scenario", errors)


def unauthorized() -> ApiError:
    """No credentials, or unknown ones."""
    return ApiError(401, "UNAUTHORIZED", "Invalid login details")


def not_found(text: str) -> ApiError:
    """Nothing is there."""
    return ApiError(404, "NOT_FOUND", text)


def throttled() -> ApiError:
    """Too many requests in the window."""
    return ApiError(429, "TOO_MANY_REQUESTS", "Too many requests")
