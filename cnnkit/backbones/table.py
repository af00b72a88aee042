"""The table of backbones: one row each of the 40 Keras Applications, then cnnkit's own networks.

A row is data. It says which function builds the network, what its input wants, and where its published
weights are; adding a row adds a backbone, its tests included. Importing this module imports no Keras.

File names and hashes are those that `keras.applications` states itself (Keras 3.15.1); a contract test
compares every one with what the installed Keras asks for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cnnkit.errors import InputError, unknown_name

Preprocessing = Literal["caffe", "tf", "torch", "inside"]
Interpolation = Literal["bilinear", "bicubic"]

GOOGLE = "https://storage.googleapis.com/"
CLASSIC = GOOGLE + "tensorflow/keras-applications/"
KERNELS = "_weights_tf_dim_ordering_tf_kernels"


@dataclass(frozen=True)
class WeightsFile:
    """A published weights file.

    Attributes:
        name: Its name in `$KERAS_HOME/models`.
        url: Where Keras downloads it.
        digest: md5 (32 digits) or sha256 (64), or None where Keras states none.
        top: It holds the ImageNet classifier too.
    """

    name: str
    url: str
    digest: str | None
    top: bool


@dataclass(frozen=True)
class Published:
    """Where a row's ImageNet weights are, as patterns of `{alpha}` and `{side}`.

    Attributes:
        folder: The address of the folder.
        names: File names with and without the classifier.
        digests: For each width α (0 where there is none) the hashes with and without the classifier.
        remote_names: Names in the folder where they differ from the local ones.
        sides: Input sides that were trained apart; other sides take the row's own side.
        alpha_texts: How file names write α; without an entry it is written as a decimal number.
    """

    folder: str
    names: tuple[str, str]
    digests: tuple[tuple[float, str, str], ...] = ()
    remote_names: tuple[str, str] | None = None
    sides: tuple[int, ...] = ()
    alpha_texts: tuple[tuple[float, str], ...] = ()

    def file(self, *, alpha: float | None, side: int, top: bool) -> WeightsFile:
        """The file for a width, an input side, with or without the classifier."""
        text = dict(self.alpha_texts).get(alpha or 0, str(float(alpha)) if alpha else "")
        names = {with_top: self.names[not with_top] for with_top in (True, False)}
        name = names[top].format(alpha=text, side=side)
        remote = self.remote_names[not top] if self.remote_names else name
        hashes = {width: (with_top, without) for width, with_top, without in self.digests}
        pair = hashes.get(alpha or 0.0)
        return WeightsFile(name, self.folder + remote, pair[not top] if pair else None, top)


@dataclass(frozen=True)
class Row:
    """One backbone.

    Attributes:
        name: Its name in cnnkit.
        builder: The function that builds it: a name in `keras.applications`, or `module:function`.
        side: Native input side in pixels.
        preprocessing: What the network wants: 'caffe' BGR minus the ImageNet mean, 'tf' [−1, 1],
            'torch' mean and standard deviation, 'inside' 0…255, its own layers do the rest.
        minimum: The smallest input side it can be built for.
        alphas: Widths with published weights; empty where the network has no width.
        published: Where its ImageNet weights are; None: nobody publishes any for Keras.
        interpolation: How pictures were resized when its published accuracy was measured.
        fraction: The part of the short side that its centre crop kept.
        large: More than 40 million parameters: its contract tests carry the slow marker.
        shipped: Its weights come with cnnkit, whose own training made them.
    """

    name: str
    builder: str
    side: int = 224
    preprocessing: Preprocessing = "inside"
    minimum: int = 32
    alphas: tuple[float, ...] = ()
    published: Published | None = None
    interpolation: Interpolation = "bilinear"
    fraction: float = 0.875
    large: bool = False
    shipped: bool = False

    def files(self, *, alpha: float | None, side: int, top: bool) -> list[WeightsFile]:
        """Published files that can serve this build, the best first.

        The file without the classifier comes first where none is asked for; the one with it serves too,
        since a network without the classifier is a prefix of the one with it. Where Keras publishes
        files by input side, the native side's files follow: convolutions do not know the input's size.
        """
        if self.published is None:
            return []
        sides = [side, self.side] if side in self.published.sides else [self.side]
        return [
            self.published.file(alpha=alpha, side=size, top=with_top)
            for size in dict.fromkeys(sides)
            for with_top in ((True,) if top else (False, True))
        ]


def _vgg(name: str, builder: str, digests: tuple[str, str], *, large: bool) -> Row:
    names = (f"{name}{KERNELS}.h5", f"{name}{KERNELS}_notop.h5")
    published = Published(f"{CLASSIC}{name}/", names, ((0, *digests),))
    return Row(name, builder, preprocessing="caffe", published=published, large=large)


def _resnet(name: str, builder: str, digests: tuple[str, str], *, large: bool = False) -> Row:
    stem = name.replace("_", "")
    names = (f"{stem}{KERNELS}.h5", f"{stem}{KERNELS}_notop.h5")
    published = Published(f"{CLASSIC}resnet/", names, ((0, *digests),))
    kind: Preprocessing = "tf" if name.endswith("v2") else "caffe"
    return Row(name, builder, preprocessing=kind, published=published, large=large)


def _inception(name: str, builder: str, minimum: int, digests: tuple[str, str], *, large: bool = False) -> Row:
    names = (f"{name}{KERNELS}.h5", f"{name}{KERNELS}_notop.h5")
    published = Published(f"{CLASSIC}{name}/", names, ((0, *digests),))
    return Row(name, builder, 299, "tf", minimum, published=published, large=large)


def _mobilenet_v3(name: str, builder: str, *digests: tuple[float, str, str]) -> Row:
    size = name.rpartition("_")[2]
    stem = f"weights_mobilenet_v3_{size}_224_{{alpha}}_float"
    published = Published(f"{CLASSIC}mobilenet_v3/", (f"{stem}.h5", f"{stem}_no_top_v2.h5"), digests)
    return Row(name, builder, alphas=tuple(width for width, _, _ in digests), published=published)


def _densenet(name: str, builder: str, digests: tuple[str, str]) -> Row:
    names = (f"{name}{KERNELS}.h5", f"{name}{KERNELS}_notop.h5")
    published = Published(f"{CLASSIC}densenet/", names, ((0, *digests),))
    return Row(name, builder, preprocessing="torch", published=published)


def _nasnet(name: str, builder: str, side: int, digests: tuple[str, str], *, large: bool = False) -> Row:
    remote = f"NASNet-{name.rpartition('_')[2]}"
    published = Published(
        f"{CLASSIC}nasnet/",
        (f"{name}.h5", f"{name}_no_top.h5"),
        ((0, *digests),),
        (f"{remote}.h5", f"{remote}-no-top.h5"),
    )
    return Row(name, builder, side, "tf", published=published, large=large)


def _efficientnet(letter: str, side: int, digests: tuple[str, str], *, large: bool = False) -> Row:
    stem = f"efficientnet{letter}"
    published = Published(f"{GOOGLE}keras-applications/", (f"{stem}.h5", f"{stem}_notop.h5"), ((0, *digests),))
    name, builder = f"efficientnet_{letter}", f"EfficientNet{letter.upper()}"
    return Row(name, builder, side, published=published, interpolation="bicubic", large=large)


def _efficientnet_v2(letter: str, side: int, digests: tuple[str, str], *, large: bool = False) -> Row:
    stem = f"efficientnetv2-{letter}"
    published = Published(f"{CLASSIC}efficientnet_v2/", (f"{stem}.h5", f"{stem}_notop.h5"), ((0, *digests),))
    name, builder = f"efficientnet_v2_{letter}", f"EfficientNetV2{letter.upper()}"
    return Row(name, builder, side, published=published, interpolation="bicubic", large=large)


def _convnext(size: str, builder: str, digests: tuple[str, str], *, large: bool = False) -> Row:
    name = f"convnext_{size}"
    published = Published(f"{CLASSIC}convnext/", (f"{name}.h5", f"{name}_notop.h5"), ((0, *digests),))
    return Row(name, builder, published=published, interpolation="bicubic", large=large)


def _zoo(name: str, module: str, *, side: int = 224, minimum: int = 32, published: Published | None = None) -> Row:
    return Row(name, f"cnnkit.zoo.{module}:{name}", side, minimum=minimum, published=published)


# The authors' Caffe weights, converted by R. C. Malli.
SQUEEZENET = Published(
    "https://github.com/rcmalli/keras-squeezenet/releases/download/v1.0/",
    (f"squeezenet{KERNELS}.h5", f"squeezenet{KERNELS}_notop.h5"),
)

APPLICATIONS = (
    _inception(
        "xception",
        "Xception",
        71,
        ("0a58e3b7378bc2990ea3b43d5981f1f6", "b0042744bf5b25fce3cb969f33bebb97"),
    ),
    _vgg(
        "vgg16",
        "VGG16",
        ("64373286793e3c8b2b4e3219cbf3544b", "6d6bbae143d832006294945121d1f1fc"),
        large=False,
    ),
    _vgg(
        "vgg19",
        "VGG19",
        ("cbe5617147190e668d6c5d5026f83318", "253f8cb515780f3b799900260a226db6"),
        large=False,
    ),
    _resnet("resnet50", "ResNet50", ("2cb95161c43110f7111970584f804107", "4d473c1dd8becc155b73f8504c6f6626")),
    _resnet(
        "resnet101",
        "ResNet101",
        ("f1aeb4b969a6efcfb50fad2f0c20cfc5", "88cf7a10940856eca736dc7b7e228a21"),
        large=True,
    ),
    _resnet(
        "resnet152",
        "ResNet152",
        ("100835be76be38e30d865e96f2aaae62", "ee4c566cf9a93f14d82f913c2dc6dd0c"),
        large=True,
    ),
    _resnet(
        "resnet50_v2",
        "ResNet50V2",
        ("3ef43a0b657b3be2300d5770ece849e0", "fac2f116257151a9d068a22e544a4917"),
    ),
    _resnet(
        "resnet101_v2",
        "ResNet101V2",
        ("6343647c601c52e1368623803854d971", "c0ed64b8031c3730f411d2eb4eea35b5"),
        large=True,
    ),
    _resnet(
        "resnet152_v2",
        "ResNet152V2",
        ("a49b44d1979771252814e80f8ec446f9", "ed17cf2e0169df9d443503ef94b23b33"),
        large=True,
    ),
    _inception(
        "inception_v3",
        "InceptionV3",
        75,
        ("9a0d58056eeedaa3f26cb7ebd46da564", "bcbd6486424b2319ff4ef7d526e38f63"),
    ),
    _inception(
        "inception_resnet_v2",
        "InceptionResNetV2",
        75,
        ("e693bd0210a403b3192acc6073ad2e96", "d19885ff4a710c122648d3b5c3b684e4"),
        large=True,
    ),
    Row(
        "mobilenet",
        "MobileNet",
        preprocessing="tf",
        alphas=(0.25, 0.5, 0.75, 1.0),
        published=Published(
            f"{CLASSIC}mobilenet/",
            ("mobilenet_{alpha}_{side}_tf.h5", "mobilenet_{alpha}_{side}_tf_no_top.h5"),
            sides=(128, 160, 192, 224),
            alpha_texts=((0.25, "2_5"), (0.5, "5_0"), (0.75, "7_5"), (1.0, "1_0")),
        ),
    ),
    Row(
        "mobilenet_v2",
        "MobileNetV2",
        preprocessing="tf",
        alphas=(0.35, 0.5, 0.75, 1.0, 1.3, 1.4),
        published=Published(
            f"{CLASSIC}mobilenet_v2/",
            (
                f"mobilenet_v2{KERNELS}_{{alpha}}_{{side}}.h5",
                f"mobilenet_v2{KERNELS}_{{alpha}}_{{side}}_no_top.h5",
            ),
            sides=(96, 128, 160, 192, 224),
        ),
    ),
    _mobilenet_v3(
        "mobilenet_v3_small",
        "MobileNetV3Small",
        (0.75, "cb65d4e5be93758266aa0a7f2c6708b7", "ebdb5cc8e0b497cd13a7c275d475c819"),
        (1.0, "8768d4c2e7dee89b9d02b2d03d65d862", "d3e8ec802a04aa4fc771ee12a9a9b836"),
    ),
    _mobilenet_v3(
        "mobilenet_v3_large",
        "MobileNetV3Large",
        (0.75, "765b44a33ad4005b3ac83185abf1d0eb", "40af19a13ebea4e2ee0c676887f69a2e"),
        (1.0, "59e551e166be033d707958cf9e29a6a7", "07fb09a5933dd0c8eaafa16978110389"),
    ),
    _densenet(
        "densenet121",
        "DenseNet121",
        ("9d60b8095a5708f2dcce2bca79d332c7", "30ee3e1110167f948a6b9946edeeb738"),
    ),
    _densenet(
        "densenet169",
        "DenseNet169",
        ("d699b8f76981ab1b30698df4c175e90b", "b8c4d4c20dd625c148057b9ff1c1176b"),
    ),
    _densenet(
        "densenet201",
        "DenseNet201",
        ("1ceb130c1ea1b78c3bf6114dbdfd8807", "c13680b51ded0fb44dff2d8f86ac8bb1"),
    ),
    _nasnet(
        "nasnet_mobile",
        "NASNetMobile",
        224,
        ("020fb642bf7360b370c678b08e0adf61", "1ed92395b5b598bdda52abe5c0dbfd63"),
    ),
    _nasnet(
        "nasnet_large",
        "NASNetLarge",
        331,
        ("11577c9a518f0070763c2b964a382f17", "d81d89dc07e6e56530c4e77faddd61b5"),
        large=True,
    ),
    _efficientnet("b0", 224, ("902e53a9f72be733fc0bcb005b3ebbac", "50bc09e76180e00e4465e1a485ddc09d")),
    _efficientnet("b1", 240, ("1d254153d4ab51201f1646940f018540", "74c4e6b3e1f6a1eea24c589628592432")),
    _efficientnet("b2", 260, ("b15cce36ff4dcbd00b6dd88e7857a6ad", "111f8e2ac8aa800a7a99e3239f7bfb39")),
    _efficientnet("b3", 300, ("ffd1fdc53d0ce67064dc6a9c7960ede0", "af6d107764bb5b1abb91932881670226")),
    _efficientnet("b4", 380, ("18c95ad55216b8f92d7e70b3a046e2fc", "ebc24e6d6c33eaebbd558eafbeedf1ba")),
    _efficientnet("b5", 456, ("ace28f2a6363774853a83a0b21b9421a", "38879255a25d3c92d5e44e04ae6cec6f")),
    _efficientnet("b6", 528, ("165f6e37dce68623721b423839de8be5", "9ecce42647a20130c1f39a5d4cb75743"), large=True),
    _efficientnet("b7", 600, ("8c03f828fec3ef71311cd463b6759d99", "cbcfe4450ddf6f3ad90b1b398090fe4a"), large=True),
    _efficientnet_v2("b0", 224, ("21ecbf6da12460d5c40bb2f29ceb2188", "893217f2bb855e2983157299931e43ff")),
    _efficientnet_v2("b1", 240, ("069f0534ff22adf035c89e2d9547a9dc", "0e80663031ca32d657f9caa404b6ec37")),
    _efficientnet_v2("b2", 260, ("424e49f28180edbde1e94797771950a7", "1dfe2e7a5d45b6632553a8961ea609eb")),
    _efficientnet_v2("b3", 300, ("1f1fc43bd98a6e4fd8fdfd551e02c7a0", "f6abf7b5849ac99a89b50dd3fd532856")),
    _efficientnet_v2("s", 384, ("e1d88a8495beba45748fedd0cecbe016", "af0682fb74e8c54910f2d4393339c070")),
    _efficientnet_v2("m", 480, ("a3bf6aa3276309f4fc6a34aa114c95cd", "1b8dc055df72dde80d614482840fe342"), large=True),
    _efficientnet_v2("l", 480, ("27e6d408b53c7ebc868fefa357689935", "b0b66b5c863aef5b46e8608fe1711615"), large=True),
    _convnext(
        "tiny",
        "ConvNeXtTiny",
        (
            "8ae6e78ce2933352b1ef4008e6dd2f17bc40771563877d156bc6426c7cf503ff",
            "d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1",
        ),
    ),
    _convnext(
        "small",
        "ConvNeXtSmall",
        (
            "ce1277d8f1ee5a0ef0e171469089c18f5233860ceaf9b168049cb9263fd7483c",
            "6fc8009faa2f00c1c1dfce59feea9b0745eb260a7dd11bee65c8e20843da6eab",
        ),
        large=True,
    ),
    _convnext(
        "base",
        "ConvNeXtBase",
        (
            "52cbb006d3dadd03f6e095a8ca1aca47aecdd75acb4bc74bce1f5c695d0086e6",
            "40a20c5548a5e9202f69735ecc06c990e6b7c9d2de39f0361e27baeb24cb7c45",
        ),
        large=True,
    ),
    _convnext(
        "large",
        "ConvNeXtLarge",
        (
            "070c5ed9ed289581e477741d3b34beffa920db8cf590899d6d2c67fba2a198a6",
            "96f02b6f0753d4f543261bc9d09bed650f24dd6bc02ddde3066135b63d23a1cd",
        ),
        large=True,
    ),
    _convnext(
        "xlarge",
        "ConvNeXtXLarge",
        (
            "c1f5ccab661354fc3a79a10fa99af82f0fbf10ec65cb894a3ae0815f17a889ee",
            "de3f8a54174130e0cecdc71583354753d557fcf1f4487331558e2a16ba0cfe05",
        ),
        large=True,
    ),
)

# Networks of the zoo that are no Keras Application; the others (`ck.zoo.vgg16`, …) are the rows above.
OWN = (
    _zoo("mlp", "lecture_networks", side=28, minimum=1),
    _zoo("convnet", "lecture_networks", side=28, minimum=12),
    _zoo("lenet5", "lenets", side=32),
    _zoo("alexnet", "alexnets", side=227, minimum=67),
    _zoo("alexnet_two_columns", "alexnets", side=227, minimum=67),
    _zoo("vgg11", "vgg_nets"),
    _zoo("vgg13", "vgg_nets"),
    _zoo("googlenet", "googlenets"),
    _zoo("resnet18", "resnets"),
    _zoo("resnet34", "resnets"),
    _zoo("squeezenet1_0", "squeezenets", side=227, minimum=35),
    _zoo("squeezenet1_1", "squeezenets", side=227, minimum=31, published=SQUEEZENET),
    _zoo("shufflenet", "shufflenets"),
    _zoo("shufflenet_v2", "shufflenets_v2"),
    _zoo("mobilefacenet", "mobilefacenets", side=112, minimum=16),
    Row("nano", "cnnkit.zoo.nanos:nano", side=96, minimum=32, fraction=1.0, shipped=True),
)

ROWS = {row.name: row for row in (*APPLICATIONS, *OWN)}


def names() -> list[str]:
    """Every backbone's name: the 40 Keras Applications, then cnnkit's own networks.

    >>> names()[:3], len(names())
    (['xception', 'vgg16', 'vgg19'], 56)
    """
    return list(ROWS)


def find_row(name: str) -> Row:
    """The row of a name.

    Raises:
        UnknownNameError: There is none; the nearest are named.
    """
    if name not in ROWS:
        raise unknown_name("a backbone", name, ROWS, "ck.backbones.names() or `cnnkit backbones`")
    return ROWS[name]


def check_alpha(row: Row, alpha: float | None, *, pretrained: bool) -> float | None:
    """The width to build: the given one, or 1.0 where the network has widths and none was given.

    Raises:
        InputError: The network has no width, or no weights were published for this one.
    """
    if not row.alphas:
        if alpha not in (None, 1, 1.0):
            raise InputError(
                f"no width for {row.name}", f"alpha={alpha!r}", "Widths exist for: " + ", ".join(with_widths())
            )
        return None
    width = 1.0 if alpha is None else float(alpha)
    listed = ", ".join(str(published) for published in row.alphas)
    if width <= 0:
        raise InputError("a width above 0", f"alpha={alpha!r}", f"Published widths of {row.name}: {listed}.")
    if pretrained and width not in row.alphas:
        raise InputError(
            f"one of the published widths of {row.name}: {listed}",
            f"alpha={alpha!r}",
            "Choose one of them, or weights=None for any width.",
        )
    return width


def with_widths() -> list[str]:
    """Names of the backbones that have a width α.

    >>> with_widths()
    ['mobilenet', 'mobilenet_v2', 'mobilenet_v3_small', 'mobilenet_v3_large']
    """
    return [row.name for row in ROWS.values() if row.alphas]
