"""Networks written out from scratch, one paper a file, and nano, whose weights ship with cnnkit."""

# Not lazy: a lazy name would give way to the module `nano` as soon as anything imports it.
from cnnkit.zoo.nano import nano

__all__ = ["nano"]
