from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnkit.errors import DataError, InputError
from cnnkit.visualize.film import animation, save_animation

GREYS = [np.full((6, 8, 3), level, np.uint8) for level in range(0, 250, 25)]


def shown(film: object) -> int:
    (image,) = film.figure.axes[0].get_images()
    return int(image.get_array()[0, 0, 0])


def test_a_film_is_a_gif_of_its_pictures(tmp_path: Path) -> None:
    film = animation(GREYS, title="dream", seconds=0.2)
    path = save_animation(film, tmp_path / "dream.gif", dpi=30)
    with Image.open(path) as gif:
        assert gif.n_frames == 10
        assert gif.info["duration"] == 200
        middles = []
        for number in range(10):
            gif.seek(number)
            picture = np.asarray(gif.convert("L"))
            middles.append(int(picture[picture.shape[0] // 2, picture.shape[1] // 2]))
    np.testing.assert_allclose(middles, range(0, 250, 25), atol=3)
    assert film.figure.axes[0].get_title(loc="left") == "dream"
    assert shown(film) == 225


def test_a_notebook_shows_a_film_with_buttons_and_few_frames() -> None:
    film = animation(GREYS, most=3)
    page = film._repr_html_()
    assert "<button" in page
    assert page.count("data:image/png") == 3
    assert shown(film) == 225  # the last is kept
    assert film._repr_png_().startswith(b"\x89PNG")  # for a page that runs no scripts


@pytest.mark.parametrize("images", [[], [GREYS[0], GREYS[0][:3]]])
def test_pictures_of_several_sizes_are_no_film(images: list[np.ndarray]) -> None:
    with pytest.raises(InputError, match="one size"):
        animation(images)


def test_pictures_are_told_from_what_is_none(tmp_path: Path) -> None:
    film = animation(np.stack(GREYS).astype(np.float32), most=2)
    save_animation(film, tmp_path / "greys.gif", dpi=30)
    assert shown(film) == 225
    with pytest.raises(DataError, match="multiply by 255"):
        animation(np.stack(GREYS) / 255)
    with pytest.raises(InputError, match="one picture"):
        animation([3])
    with pytest.raises(InputError, match=r"ck\.visualize\.save writes"):
        save_animation(film.figure, tmp_path / "dream.gif")
