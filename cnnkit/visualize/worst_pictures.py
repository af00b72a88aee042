"""The pictures that a network is most wrong about, by the score of its head."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from cnnkit.data.source import Source
from cnnkit.heads.head import Head
from cnnkit.transfer.network import Network
from cnnkit.visualize import style
from cnnkit.visualize.answers import answered, captions, predicted, worst_heading, worst_indices
from cnnkit.visualize.contact_sheet import pictures
from cnnkit.visualize.truth_panels import panels_figure


def worst(source: Source, table: pd.DataFrame, *, count: int = 12, head: Head | Network | None = None) -> Figure:
    """The pictures that a network is most wrong about, the worst first.

    Worth a look before any other change: wrong labels, pictures with two subjects, a class that is missing.

    Of labels these are the mistakes with the highest probability: true class → predicted class, with the probability of
    the latter. Where there are fewer mistakes than `count`, all are shown; where there is none, the pictures that the
    network was least sure of. Where a picture may have several labels, those with the largest loss come first, and what
    is said of each is its worst labels: `missed` one that it has, `not` one that it has not, with the network's
    probability. Of truth that lies somewhere in the picture the score of the head tells how wrong each picture is, and
    truth, prediction and what is wrong stand side by side.

    Args:
        source: Pictures with truth.
        table: From `ck.predict`. Rows are matched by id.
        count: How many pictures at most.
        head: Whose score tells how wrong a picture is, or its network; by default the head that `ck.finetune` takes for
            this kind of truth. Labels do not need it.

    Returns:
        A figure 11 inches wide.

    Raises:
        DataError: No source, none with truth, or a picture is not in the table.
        InputError: The table is no such, the count is below 1, or no head.
        UnknownNameError: A label in the table is no class of the source.
    """
    answers = answered(source, table, head)
    indices = worst_indices(answers, count)
    told = captions(answers, indices)
    if source.targets is not None and source.targets.placed:
        figure = panels_figure(
            source.take(indices), predicted(source, table).take(indices), told, photograph=False, across=2
        )
    else:
        figure = pictures([source.image(index) for index in indices], told)
    width, height = figure.get_size_inches()
    figure.set_size_inches(width, height + 0.4)
    figure.suptitle(worst_heading(answers, len(indices)), x=0.01, ha="left", color=style.INK, fontweight="bold")
    return figure
