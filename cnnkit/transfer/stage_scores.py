"""How good each stage of a network is that answers several times."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from cnnkit.data.source import Source
from cnnkit.errors import InputError
from cnnkit.heads.head import StagedHead
from cnnkit.metrics.given_arrays import whole_number
from cnnkit.transfer.inference import truth_of
from cnnkit.transfer.network import Network, network_of
from cnnkit.transfer.passes import answers, sight_of


def stage_scores(network: Network, source: Source, *, batch_size: int = 32, flip: bool = False) -> pd.DataFrame:
    """The scores of each stage of a stacked network, by one pass over the pictures.

    A stage alone is a network with another answer: `dataclasses.replace(net, head=net.head.at_stage(1))`.

    Args:
        network: With a head of several stages: `ck.heads.hourglass` or `ck.heads.pose_machine`; of others one row.
        source: With truth, e.g. `photos.test`.
        batch_size: Pictures at a time.
        flip: As in `ck.evaluate`.

    Returns:
        One row per stage, from the input on, with its scores as columns; the index is called `stage`.

    Raises:
        InputError: A network without stages.
        DataError: As of `ck.evaluate`.
    """
    network = network_of(network)
    whole_number("batch_size", batch_size)
    head = network.head
    if not isinstance(head, StagedHead):
        raise InputError("a head of several stages", type(head).__name__, "ck.heads.hourglass(points) is one.")
    truth, sight = truth_of(network, source), sight_of(network, None, 0, flip)
    stages = {number: replace(network, head=head.at_stage(number)) for number in range(1, head.stages + 1)}
    scores = {number: stage.head.score() for number, stage in stages.items()}
    for answer in answers(network, source, sight=sight, batch_size=batch_size):
        for number, stage in stages.items():
            scores[number].add(truth.take(answer.indices), answer.decoded(stage, source))
    table = pd.DataFrame([score.result() for score in scores.values()])
    return table.set_index(pd.Index(stages, name="stage"))
