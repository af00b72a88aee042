"""What one server takes at most, so that neither memory nor waiting grows without bound."""

from __future__ import annotations

from dataclasses import dataclass, fields

from cnnkit.data.arguments import number, whole_number
from cnnkit.errors import InputError


@dataclass(frozen=True)
class Limits:
    """Bounds of a server; what exceeds them is refused before it costs anything.

    Args:
        body_bytes: Of one request; more is answered 413.
        pixels: Of one picture as its header declares them; more is answered 413, before anything is decoded.
        pictures: Of one request.
        queue: Pictures inside the server, on their way to the network; what comes beyond is answered 503.
        batch: Pictures that the network sees at a time.
        delay_seconds: How long the first picture of a batch waits for others that are being decoded.
        seconds: From the arrival of a request to its answer; what takes longer is answered 504.

    Raises:
        InputError: A bound that is not above 0, or fewer places in the queue than pictures in a request.
    """

    body_bytes: int = 16 << 20
    pixels: int = 40_000_000
    pictures: int = 64
    queue: int = 128
    batch: int = 32
    delay_seconds: float = 0.005
    seconds: float = 30.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name.endswith("seconds"):
                expected, remedy = f"{field.name} above 0", f"{field.default} is the default."
                if not number(value, field.name, expected, remedy) > 0:
                    raise InputError(expected, repr(value), remedy)
            else:
                whole_number(value, field.name, least=1, remedy=f"{field.default} is the default.")
        if self.queue < self.pictures:
            raise InputError(
                f"a queue of at least {self.pictures} pictures, as many as one request may have",
                f"queue={self.queue}",
                "Give a longer queue, or fewer pictures.",
            )
