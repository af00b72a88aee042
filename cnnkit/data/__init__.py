"""Data: sources of examples, how they are split, framed, augmented and batched.

    photos = ck.data.folder("photos/")              # a dataset: .classes .train .validation .test
    photos.report()                                 # counts, imbalance, pictures in two splits

Roads to a dataset: `folder` (one folder a class), `table` (labels in a CSV file or a DataFrame), `arrays` (NumPy),
`tfds` (tensorflow-datasets), `masks` (photographs and masks in two folders), `coco`, `voc` and `yolo` (annotations of
COCO, Pascal VOC and YOLO), `scenes` and `faces` (drawn by a program). The truth is labels; of `coco`, `voc` and
`scenes` also boxes, masks and points, by `target`; of `yolo` boxes. `pictures` are those to predict, without labels;
`as_source` decides what a caller may call pictures.
A picture is RGB, uint8, 0…255, everywhere.

Random views of a picture: `Augmentation`, `RandAugment`, `RandomErasing`, of a whole photograph `RandomCrop`, several
in a `Chain`; of a batch: `MixUp`, `CutMix`, of boxes `Mosaic`. A `View` is a matrix and the pixels; a `ViewAugmenter`
of your own makes them. `augmented` puts views into a `tf.data` pipeline; `ImageDataGenerator` is Keras's, faster.
"""

from __future__ import annotations

from cnnkit._front_door import front_door

__getattr__, __dir__, __all__ = front_door(__name__, __file__)
