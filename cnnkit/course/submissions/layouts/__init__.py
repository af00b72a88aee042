"""The forms in which platforms give hand-ins away, a file each."""
