"""How a picture meets an input size, and random versions of it. The public names are those of `cnnkit.data`."""
