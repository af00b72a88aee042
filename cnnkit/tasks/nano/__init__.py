"""How nano's weights came to be: a recipe that nobody needs to use nano, and that can be run again.

    python -m cnnkit.tasks.nano.distill    # trains them: `stages`, `crops`, `teaching`, `student`
    python -m cnnkit.tasks.nano.probe      # says what they are worth

It needs the photographs and weights of `../shared`, which do not ship. The results are in `cnnkit/zoo/nano.md`.
"""
