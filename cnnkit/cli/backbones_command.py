"""`cnnkit backbones`: which pre-trained networks there are, and which work here without a download."""

from __future__ import annotations

import json

from cnnkit.cli.options import Json


def backbones(
    as_json: Json = False,
) -> None:
    """List the backbones: native input, widths, and whether their weights are on this machine.

    Example: cnnkit backbones
    """
    from cnnkit.backbones.table import ROWS
    from cnnkit.backbones.weights import weights_table

    files = weights_table()
    found = files[files["path"].notna()].drop_duplicates(["backbone", "alpha"])
    here = {name: [] if alphas.isna().all() else alphas.tolist() for name, alphas in found.groupby("backbone")["alpha"]}
    records = [
        {
            "name": row.name,
            "input": row.side,
            "minimum": row.minimum,
            "alphas": list(row.alphas),
            "weights_here": row.name in here,
            "alphas_here": here.get(row.name, []),
        }
        for row in ROWS.values()
    ]
    if as_json:
        print(json.dumps(records))
        return
    print(f"{'name':<20} {'input':>5} {'least':>5}  {'weights':<22} widths")
    for row in ROWS.values():
        place = "ships with cnnkit" if row.shipped else "a download away" if row.published else "none published"
        if row.name in here and not row.shipped:
            place = "here" + (f" for α {_listed(here[row.name])}" if here[row.name] else "")
        print(f"{row.name:<20} {row.side:>5} {row.minimum:>5}  {place:<22} {_listed(row.alphas)}".rstrip())


def _listed(numbers: list[float] | tuple[float, ...]) -> str:
    return ", ".join(str(number) for number in numbers)
