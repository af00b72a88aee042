"""`cnnkit cuts NAME`: where a backbone can be cut, what each cut gives and costs."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from cnnkit.cli.options import Json


def cuts(
    name: Annotated[str, typer.Argument(help="A name of `cnnkit backbones`.")],
    side: Annotated[int | None, typer.Option(min=1, help="Input side in pixels; the native one by default.")] = None,
    alpha: Annotated[float | None, typer.Option(help="Width of a MobileNet.")] = None,
    top: Annotated[bool, typer.Option("--top", help="With the ImageNet classifier.")] = False,
    as_json: Json = False,
) -> None:
    """List every legal cut of a backbone: shape, stride, receptive field, parameters and multiply-adds up to it.

    No weights are needed. The last cut of each stride is marked with its alias, stage1, stage2, …

    Example: cnnkit cuts vgg16 --side 224
    """
    from cnnkit._backend import import_keras

    import_keras()
    from cnnkit.backbones.extractor import backbone

    shape = None if side is None else (side, side, 3)
    body = backbone(name, weights=None, input_shape=shape, alpha=alpha, top=top)
    table = body.cuts()
    alias = {cut: f"stage{number}" for number, cut in enumerate(body.stages(), start=1)}
    if as_json:
        records = json.loads(table.to_json(orient="records"))
        print(json.dumps([{**record, "stage": alias.get(record["name"])} for record in records]))
        return
    wide = max(len(cut) for cut in table["name"])
    print(f"{'cut':<{wide}}  {'shape':>15} {'stride':>6} {'field':>6} {'parameters':>12} {'multiply-adds':>15}")
    for cut, size, stride, field, parameters, costs in table.itertuples(index=False, name=None):
        features = "×".join(str(part) for part in size)
        numbers = f"{_number(stride):>6} {_number(field):>6} {parameters:>12,} {costs:>15,}"
        print(f"{cut:<{wide}}  {features:>15} {numbers}  {alias.get(cut, '')}".rstrip())


def _number(value: object) -> str:
    return "–" if str(value) == "<NA>" else str(value)
