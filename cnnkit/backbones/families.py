"""The applications of Keras by family: what each wants, and the digests by which `recognition` knows it.

A contract test computes every digest again from the installed Keras.
"""

from __future__ import annotations

from dataclasses import dataclass

from cnnkit.backbones.preprocessing import Given
from cnnkit.backbones.table import ROWS, Row


@dataclass(frozen=True)
class Family:
    """Architectures that begin alike and want the same preprocessing.

    Attributes:
        name: As its authors call it.
        rows: Its members in the table of backbones.
        preprocessing: What one takes that has no preprocessing of its own; None where all have.
        early: Named digests of its legal cuts before the unmistakable ones.
        deep: Digests of its first unmistakable cuts.
        widths: Whether the digests know numbers of filters.
    """

    name: str
    rows: tuple[str, ...]
    preprocessing: Given | None
    early: frozenset[str]
    deep: frozenset[str]
    widths: bool = True

    @property
    def row(self) -> Row:
        """The first member, for what all share."""
        return ROWS[self.rows[0]]

    @property
    def side(self) -> int | None:
        """Their native input side, if they have the same."""
        sides = {ROWS[row].side for row in self.rows}
        return sides.pop() if len(sides) == 1 else None


def _family(
    name: str, rows: tuple[str, ...], preprocessing: Given | None, early: str, deep: str, *, widths: bool = True
) -> Family:
    return Family(name, rows, preprocessing, frozenset(early.split()), frozenset(deep.split()), widths)


_FAMILIES = (
    _family(
        "VGG",
        ("vgg16", "vgg19"),
        "caffe",
        "d68cb406 efdad92e b18d6488 5023d1c0 8de7ba12 51886d52 7f0b5c43 88f3ebd6 3611e6c9 93ca9b79 7422d40b "
        "c0d417ef c8073db1 5bd95dd9",
        "4b59262c 1789b1fb",
    ),
    _family(
        "ResNet",
        ("resnet50", "resnet101", "resnet152"),
        "caffe",
        "30c210b6 9b9b6c00 32c760db b1826d8f",
        "ebd116d4",
    ),
    _family(
        "ResNetV2",
        ("resnet50_v2", "resnet101_v2", "resnet152_v2"),
        "tf",
        "a3d7b4c5 d44a4822",
        "e018874e",
    ),
    _family(
        "Inception",
        ("inception_v3", "inception_resnet_v2"),
        "tf",
        "0c3bb475 74a9d040 62ec2a28 00c99fa8 4bb63aeb 0b516332 55ea656c 9f481d88 5354cd27 6012317a 32b469a0 "
        "8ac46722 709bc82e 251cf745",
        "c1641b6a aaa95306",
    ),
    _family(
        "Xception",
        ("xception",),
        "tf",
        "52b3ecfd fb773552 2c1ade9e f71b69ec 8006000f",
        "7aa74886",
    ),
    _family(
        "MobileNet",
        ("mobilenet",),
        "tf",
        "24c3572b 1d5bc0f8 ef5032c5 51f0ddc5 92006303 5284b0cf 1e4fee56 2cedaa6c 881418d6 4a3a7133 f9986dd7 "
        "944790e0 518138ca 46dec058 5ee29c62 4d2e90ed 6d88ff92 4e4d8a1b 196e929f e13fec30 8cdd7e43 5dcf8abc "
        "83386563 30f9afcd 408b6b3a 98daec47",
        "987b861d",
        widths=False,
    ),
    _family(
        "MobileNetV2",
        ("mobilenet_v2",),
        "tf",
        "129db1d8 462bfa84 23803b6c 18079d88 901da17e 0fa4123f 75593d09 1305532f f179c519 9889aceb bdefb214 "
        "2405e960 635bdbca e603d34e a8a5af5a",
        "843fc4d0",
        widths=False,
    ),
    _family(
        "MobileNetV3",
        ("mobilenet_v3_small", "mobilenet_v3_large"),
        "tf",
        "ad5d6de6 22960090 fd5c7e72 f89fdafd f4ddc898 4c63cb24 34514fa2 4b456624 355b4028 8b76d550 dac91ac4 "
        "59530c4e 6f46e574 4fb632b3 69a332e6 e33c03f5 5647281d 11243fef 25bd2a87 62b49c95 f8f26eec 12711aaf "
        "5e863492 3e00c73f 77566cf6 e7d9e3a2",
        "baba0e42 226e975b",
        widths=False,
    ),
    _family(
        "DenseNet",
        ("densenet121", "densenet169", "densenet201"),
        "torch",
        "e9899c24 cd104e08 1296e4c8 c7dabe3d",
        "b460c778",
    ),
    _family(
        "NASNet",
        ("nasnet_mobile", "nasnet_large"),
        "tf",
        "f862c68d f24103b9",
        "bfca3617 ebc30426",
    ),
    _family(
        "EfficientNet",
        (
            "efficientnet_b0",
            "efficientnet_b1",
            "efficientnet_b2",
            "efficientnet_b3",
            "efficientnet_b4",
            "efficientnet_b5",
            "efficientnet_b6",
            "efficientnet_b7",
        ),
        None,
        "51b42bf1 c4882464 5d40dd7f 6f01298b 600e654e 85002dd1 686de928 48556782 7d790b6a e651f067 35d8f609 "
        "67234e86 b35bdb86 4ef682f6 1d51941b 854a771c 69911605 839336fe 92d7a74b 8d289c1c 5e5f07c2 f586b224 "
        "87bb0e5d e33ffe71 bf060e9f eb5dc774 651530e4 c96752ad a809ef82 eae324ba 44a5320b e4ebb532 f8d0fc03 "
        "74e17c49 b074f9bd 95e38502 277856af cd715cee 13979e5e d5e7c740 bd6eb49f 41a94172 bf4c3b40",
        "633c2f2c 9b467bea 47df79b1 d9fc2f05 bdfe3e7d 4b8cc809 f8cb7f2b",
    ),
    _family(
        "EfficientNetV2-B",
        ("efficientnet_v2_b0", "efficientnet_v2_b1", "efficientnet_v2_b2", "efficientnet_v2_b3"),
        "torch",
        "68af266d 9de152be cfb97ab7 afc9429e 29a5f6b7 dc672958 cb2c02da 05f60eb8 106d60e8 33649891 e280316f "
        "b988d290 28db4891 56c9111a a36dc09f 2ee76530 beeec979 01e7d26a 28e8b539 9e6302e5 d5485bf2 e8a83e70 "
        "5b5b5184 614c5a77 eb65985f 4ab3a547 3dc85eb9 1beb1f80 475d25e4 951daec8 0fa485cd 5b58f1f4 834eea9e",
        "b661d26d 1ca9d81f 57ba9359",
    ),
    _family(
        "EfficientNetV2",
        ("efficientnet_v2_s", "efficientnet_v2_m", "efficientnet_v2_l"),
        (1 / 128, -1.0),
        "e21160c7 86d59747 b1fe1790 4b68c5c6 4dd01317 a60bbeb5 05f176c6 f2bd0c9f a6706cb0 0106f301 54c21235 "
        "07317ab8 cb0a8470 fead4e47 a0cb65d6 0d736c0b 7fbc0f39 63934a3e 55771796 94c0e63f b2576d92 de7bc496 "
        "7197ca85 faeb50b4 d6d43cd6 dd60a6f7",
        "e84959e2 008155e4 45c2e64f",
    ),
    _family(
        "ConvNeXt",
        ("convnext_tiny", "convnext_small", "convnext_base", "convnext_large", "convnext_xlarge"),
        "torch",
        "0dc2167b be04e3f5 9f4b5c79 af6af26e db36f86a e7c4fb03 f9a4cedb 41262f84 62931e2f e101b12a 21970d3c "
        "dd9efd48 1ea39947 cda2ef68 2d47be09 274833df 086ebef5 b4204881 55bb959f d19a2b3a 0ce22622 1ac7980c "
        "0ff960eb b2713262 5eac349d 883b069b",
        "3d799c8d",
        widths=False,
    ),
)

FAMILIES = {family.name: family for family in _FAMILIES}
