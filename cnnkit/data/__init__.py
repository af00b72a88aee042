"""Data: sources of examples, how they are split, framed, augmented and batched.

    photos = ck.data.folder("photos/")              # a dataset: .classes .train .validation .test
    photos.report()                                 # counts, imbalance, pictures in two splits

Roads to a dataset: `folder` (one folder a class), `table` (labels in a CSV file or a DataFrame), `arrays` (NumPy),
`tfds` (tensorflow-datasets), `coco` (instances of COCO), `scenes` and `faces` (drawn by a program). `pictures` are
those to predict, without labels; `as_source` decides what a caller may call pictures.
A picture is RGB, uint8, 0…255, everywhere.

Random views of a picture: `Augmentation`, `RandAugment`, `RandomErasing`, several in a `Chain`; of a batch: `MixUp`,
`CutMix`. `augmented` puts them into a `tf.data` pipeline; `ImageDataGenerator` is Keras's, faster.
"""

from __future__ import annotations

from cnnkit._lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    names={
        "Augmentation": "cnnkit.data.augmentation",
        "Batch": "cnnkit.data.pipeline",
        "Chain": "cnnkit.data.chain",
        "CutMix": "cnnkit.data.mixing",
        "Dataset": "cnnkit.data.dataset",
        "Framing": "cnnkit.data.framing",
        "ImageDataGenerator": "cnnkit.data.image_data_generator",
        "KeptPictures": "cnnkit.data.kept_pictures",
        "MixUp": "cnnkit.data.mixing",
        "RandAugment": "cnnkit.data.rand_augment",
        "RandomErasing": "cnnkit.data.random_erasing",
        "Reader": "cnnkit.data.source",
        "SkippedFile": "cnnkit.data.dataset",
        "Source": "cnnkit.data.source",
        "arrays": "cnnkit.data.array_images",
        "as_source": "cnnkit.data.any_pictures",
        "augmented": "cnnkit.data.tf_datasets",
        "batches": "cnnkit.data.pipeline",
        "coco": "cnnkit.data.coco_images",
        "decode_bytes": "cnnkit.data.decode",
        "decode_file": "cnnkit.data.decode",
        "faces": "cnnkit.data.face_pictures",
        "folder": "cnnkit.data.image_folder",
        "photograph": "cnnkit.data.photographs",
        "pictures": "cnnkit.data.image_folder",
        "scenes": "cnnkit.data.scene_pictures",
        "table": "cnnkit.data.labelled_table",
        "tfds": "cnnkit.data.tfds_sets",
    },
)
