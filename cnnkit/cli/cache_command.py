"""`cnnkit cache` and `cnnkit cache clear`: the features that trainings kept."""

from __future__ import annotations

import json

import typer

from cnnkit.cli.options import Json

AsJson = Json

cache_app = typer.Typer(invoke_without_command=True)


@cache_app.callback()
def cache_list(context: typer.Context, as_json: AsJson = False) -> None:
    """Show what trainings have kept of pictures, so that the next one is faster: where, how much, when used.

    The folder is that of the variable CNNKIT_CACHE, else the platform's folder for such things. What was not used for
    longest gives way when the budget is used up; everything in it can be made again.

    Example: cnnkit cache
    """
    if context.invoked_subcommand is not None:
        return
    from cnnkit.transfer.cache_choice import FeatureCache, in_words
    from cnnkit.transfer.user_cache import cache_entries, cache_folder, former_cache

    table, folder, former = cache_entries(), cache_folder(), former_cache()
    used = int(table["bytes"].sum())
    budget = FeatureCache().budget(used)
    if as_json:
        entries = json.loads(table.to_json(orient="records", date_format="iso"))
        told = {"folder": str(folder), "bytes": used, "budget_bytes": budget, "entries": entries}
        print(
            json.dumps({**told, "former": None if former is None else {"folder": str(former[0]), "bytes": former[1]}})
        )
        return
    for _, size, when, pictures, view, shapes, dtype in table.itertuples(index=False, name=None):
        what = f"{pictures} pictures" + ("" if str(view) == "<NA>" else f", view {view}")
        features = " + ".join("×".join(map(str, shape)) for shape in shapes)
        print(f"{in_words(size):>8}  used {when.astimezone():%Y-%m-%d %H:%M}  {what}, {features} {dtype}")
    print(f"{len(table)} entries, {in_words(used)} of at most {in_words(budget)}, in {folder}")
    if former is not None:
        print(f"{in_words(former[1])} of an earlier version in {former[0]}: nothing reads them, they can be removed")


@cache_app.command("clear")
def cache_clear(as_json: AsJson = False) -> None:
    """Remove all kept features but those that a training uses at this moment.

    Example: cnnkit cache clear
    """
    from cnnkit.transfer.cache_choice import in_words
    from cnnkit.transfer.user_cache import cache_entries, cache_folder, clear_cache

    freed, left = clear_cache(), len(cache_entries())
    if as_json:
        print(json.dumps({"folder": str(cache_folder()), "freed_bytes": freed, "entries_left": left}))
        return
    print(f"{in_words(freed)} removed from {cache_folder()}" + (f"; {left} entries are in use" if left else ""))
