//! Files are matched with the networks they feed.

mod expected;

use expected::golden;
use reelgan_checkpoint::Index;
use reelgan_checkpoint::recognise::{Recognised, recognise};

/// Names and shapes of a list `name dtype shape`, as the original implementation printed it.
fn list(name: &str) -> Vec<(String, Vec<usize>)> {
    let text = std::fs::read_to_string(golden(&format!("keys/{name}.tsv"))).unwrap();
    text.lines()
        .map(|line| {
            let row: Vec<_> = line.split('\t').collect();
            let shape = if row[2] == "scalar" { Vec::new() } else { expected::numbers(row[2]) };
            (row[0].to_owned(), shape)
        })
        .collect()
}

fn of(arrays: &[(String, Vec<usize>)]) -> Recognised {
    recognise(arrays.iter().map(|(name, shape)| (name.as_str(), shape.as_slice())))
}

const LISTS: [(&str, &str, Option<usize>); 22] = [
    ("sg1_lernapparat_1024", "sg1-lernapparat", Some(1024)),
    ("sg1_lernapparat_256", "sg1-lernapparat", Some(256)),
    ("sg1_interfacegan_1024", "sg1-interfacegan", Some(1024)),
    ("sg1_idinvert_generator_256", "sg1-idinvert", Some(256)),
    ("sg1_genforce_1024", "sg1-genforce", Some(1024)),
    ("sg1_genforce_256", "sg1-genforce", Some(256)),
    ("sg1_rosinality_1024", "sg1-rosinality", Some(1024)),
    ("sg2_rosinality_1024", "sg2-rosinality", Some(1024)),
    ("sg2_rosinality_256", "sg2-rosinality", Some(256)),
    ("sg2_ada_1024", "sg2-ada", Some(1024)),
    ("torchvision_vgg16", "vgg16-torchvision", None),
    ("torchvision_alexnet", "alexnet-torchvision", None),
    ("torchvision_squeezenet1_1", "squeezenet1_1-torchvision", None),
    ("lpips_v0.1_alex", "lpips-alex", None),
    ("lpips_v0.1_vgg", "lpips-vgg", None),
    ("lpips_v0.1_squeeze", "lpips-squeeze", None),
    ("fid_inception", "inception-fid", None),
    ("flownet2", "flownet2", None),
    ("psp_encoder_18", "psp-encoder", None),
    ("idinvert_encoder_256", "idinvert-encoder", None),
    ("idinvert_vgg16", "idinvert-vgg16", None),
    ("styleflow_modellarge10k", "styleflow", None),
];

#[test]
fn every_array_of_the_original_networks_is_known_with_its_shape() {
    for (name, id, resolution) in LISTS {
        let known = of(&list(name));
        let [part] = known.parts.as_slice() else { panic!("{name}: {known:?}") };
        assert_eq!((part.network.id, part.resolution), (id, resolution), "{name}");
        assert!(part.is_complete() && part.extra.is_empty(), "{name}: {part:?}");
        assert_eq!((part.prefix.as_str(), known.others.len()), ("", 0), "{name}");
    }
}

#[test]
fn what_is_missing_extra_or_misshapen_is_named() {
    for (name, id, _) in LISTS {
        let mut arrays = list(name);
        let needed = of(&arrays).parts[0].needed;
        if needed < 10 {
            continue;
        }
        // The last array of a generator may tell its resolution; one from the middle does not.
        let known = of(&arrays);
        let place = arrays.len() / 2;
        let middle = (place..arrays.len())
            .find(|&k| {
                let without: Vec<_> = arrays
                    .iter()
                    .enumerate()
                    .filter(|(i, _)| *i != k)
                    .map(|(_, a)| a.clone())
                    .collect();
                of(&without).parts[0].found < known.parts[0].found
            })
            .unwrap();
        let (gone, _) = arrays.remove(middle);
        arrays.push(("somewhat/else".into(), vec![7]));
        let large = |shape: &[usize]| shape.len() > 1 && shape.iter().product::<usize>() > 64;
        let other = arrays.iter().rposition(|(_, shape)| large(shape) && !shape.contains(&1));
        let (bent, shape) = &mut arrays[other.unwrap()];
        shape.push(3);
        let (bent, known) = (bent.clone(), of(&arrays));
        let part = &known.parts[0];
        assert_eq!(part.network.id, id, "{name}");
        assert!(!part.is_complete(), "{name}");
        assert_eq!(part.missing, [gone], "{name}");
        assert_eq!(part.extra, ["somewhat/else"], "{name}");
        assert!(part.misfits.iter().any(|m| m.name == bent), "{name}: {:?}", part.misfits);
    }
}

#[test]
fn networks_inside_larger_files_keep_their_prefix() {
    let encoder = list("psp_encoder_18");
    let decoder = list("sg2_rosinality_1024");
    let under = |prefix: &str, of: &[(String, Vec<usize>)]| {
        of.iter().map(|(n, s)| (format!("{prefix}{n}"), s.clone())).collect::<Vec<_>>()
    };
    let mut file = under("state_dict.encoder.", &encoder);
    file.extend(under("state_dict.decoder.", &decoder));
    file.push(("latent_avg".into(), vec![18, 512]));
    let known = of(&file);
    let found: Vec<_> =
        known.parts.iter().map(|p| (p.network.id, p.prefix.as_str(), p.is_complete())).collect();
    assert_eq!(
        found,
        [
            ("psp-encoder", "state_dict.encoder.", true),
            ("sg2-rosinality", "state_dict.decoder.", true)
        ]
    );
    assert_eq!(known.others, ["latent_avg"]);
}

#[test]
fn real_and_small_files() {
    for (file, id, prefix, resolution) in [
        ("karras2019stylegan-ffhq-64x64.for_g_all.pt", "sg1-lernapparat", "", Some(64)),
        ("karras2019stylegan-ffhq-64x64.legacy.pt", "sg1-lernapparat", "", Some(64)),
        ("ffhq-ada-64.g_ema.pkl", "sg2-ada", "G_ema/", Some(64)),
        ("lpips_v0.1_alex.pth", "lpips-alex", "", None),
        ("niqe_modelparameters.mat", "niqe-official", "", None),
        ("niqe_pris_params.npz", "niqe-basicsr", "", None),
        ("fid_stats_full_f1.npz", "fid-statistics", "", None),
        ("two_points.dat", "dlib-landmarks", "", None),
    ] {
        let index = Index::open(&golden(file)).unwrap();
        let known = recognise(index.arrays().map(|(name, info)| (name, info.shape)));
        let [part] = known.parts.as_slice() else { panic!("{file}: {known:?}") };
        assert_eq!(
            (part.network.id, part.prefix.as_str(), part.resolution),
            (id, prefix, resolution),
            "{file}"
        );
        assert!(part.is_complete(), "{file}: {part:?}");
    }
}

#[test]
fn what_is_no_network_feeds_none() {
    for file in ["frame_code.npy", "container_py38_zip.pt", "scipy_plain.mat"] {
        let index = Index::open(&golden(file)).unwrap();
        let known = recognise(index.arrays().map(|(name, info)| (name, info.shape)));
        assert!(known.parts.is_empty(), "{file}: {known:?}");
        assert_eq!(known.others.len(), index.arrays().len());
    }
}

/// A bound on outputs (`conv_clamp`) stands nowhere else in files of NVIDIA's PyTorch code.
#[test]
fn settings_of_nvidia_networks_are_kept() {
    let file =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/data/ffhq-ada-64.pkl");
    let checkpoint = reelgan_checkpoint::open(&file).unwrap();
    let said = |name: &str| checkpoint.metadata.get(name).map(String::as_str);
    assert_eq!(said("G_ema/_init_kwargs/img_resolution"), Some("64"));
    assert_eq!(said("G_ema/_init_kwargs/synthesis_kwargs/channel_max"), Some("32"));
}
