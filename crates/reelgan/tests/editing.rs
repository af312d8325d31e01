//! Edits on codes: units, conditions, distances, inverses, imports, and what is refused.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use reelgan::codes::{Codes, Direction, Learned, OffsetSpace, Rows, Trajectory, read_codes};
use reelgan::directions;
use reelgan::edit::{
    Edit, EditSource, EditSpec, FlowAttribute, Measure, conditional, edited, flow_edited, open_flow,
};
use reelgan::face::Unit;
use reelgan::generator::{self, Choice, Generator, Identity};
use reelgan_golden::{Golden, detw, max_abs, path};
use reelgan_models::Store;

mod job_toy;

use job_toy::Toy;

fn codes(generator: &dyn Generator, count: usize) -> Codes {
    let (rows, dim) = (generator.rows(), generator.dim());
    Codes::new(rows, dim, detw("codes", count * rows * dim, 1.0)).unwrap()
}

fn clip(generator: &dyn Generator) -> Trajectory {
    let (rows, dim) = (generator.rows(), generator.dim());
    let base = detw("base", rows * dim, 1.0);
    Trajectory::new(rows, dim, OffsetSpace::W, base, detw("steps", 2 * dim, 0.3)).unwrap()
}

/// A unit vector of W that brings ten years a strength.
fn learned(name: &str, axis: usize, bias: f64) -> Direction {
    let vector = (0..4).map(|k| if k == axis { 1.0 } else { 0.0 }).collect();
    let mut direction = Direction::new(name, vector, 1, None, "test").unwrap();
    direction.learned = Some(Learned {
        attribute: "age".into(),
        unit: Unit::Years,
        per_strength: 10.0,
        bias,
        accuracy: 1.0,
        held_out: 1,
        fitted: 1,
        faces: 1,
        tail: 0.02,
        seed: 0,
        truncation: 1.0,
        networks: Identity { name: "test".into(), sha256: "0".repeat(64) },
        command: "test".into(),
    });
    direction
}

fn resolved(text: &str, generator: &dyn Generator) -> reelgan::Result<Edit> {
    text.parse::<EditSpec>()?.resolve(&clip(generator), generator.identity())
}

#[test]
fn units_become_strengths_and_conditions_make_them_larger() {
    let (home, toy) = (tempfile::tempdir().unwrap(), Toy::named("toy"));
    let at = |name: &str| home.path().join(name).display().to_string();
    learned("age", 0, 0.0).save(Path::new(&at("age.safetensors"))).unwrap();
    // At 60 degrees: what is left of age is its sine.
    let half = Direction::new("other", vec![0.5, 0.75f32.sqrt(), 0.0, 0.0], 1, None, "t").unwrap();
    half.save(Path::new(&at("other.safetensors"))).unwrap();
    let plain = resolved(&format!("{}=+20y", at("age.safetensors")), &toy).unwrap();
    assert_eq!((plain.strength, plain.measure), (2.0, Measure::By));
    let text = format!("{}~{}=20y", at("age.safetensors"), at("other.safetensors"));
    let without = resolved(&text, &toy).unwrap();
    let sine = 0.75f64.sqrt();
    assert!((f64::from(without.strength) - 2.0 / sine).abs() < 1e-5, "{}", without.strength);
    let dot: f32 = without.direction.row(0).iter().zip(half.row(0)).map(|(a, b)| a * b).sum();
    assert!(dot.abs() < 1e-6 && (without.direction.length() - 1.0).abs() < 1e-6);
    for (amount, want) in [("20deg", "measured in `y`"), ("20z", "must be a number")] {
        let error = resolved(&format!("{}={amount}", at("age.safetensors")), &toy).unwrap_err();
        assert!(error.to_string().contains(want), "{error}");
    }
    let error = resolved(&format!("{}=20y", at("other.safetensors")), &toy).unwrap_err();
    assert!(error.to_string().contains("nobody measured"), "{error}");
}

#[test]
fn the_record_of_learning_survives_the_disk() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("age.safetensors");
    let direction = learned("age", 1, -0.25);
    direction.save(&file).unwrap();
    assert_eq!(Direction::open(&file).unwrap(), direction);
    let bytes = std::fs::read(&file).unwrap();
    assert_eq!(Direction::from_bytes(&bytes, "x").unwrap(), direction);
    for cut in [0, 8, 40, bytes.len() - 1] {
        assert!(Direction::from_bytes(&bytes[..cut], "x").is_err(), "{cut} bytes");
    }
}

#[test]
fn an_edit_to_a_distance_puts_every_row_there() {
    let toy = Toy::named("toy");
    let codes = codes(&toy, 3);
    let edit = Edit { measure: Measure::To, ..Edit::by(learned("age", 2, 0.5), 1.25) };
    let got = edited(&toy, &codes, std::slice::from_ref(&edit)).unwrap();
    for (row, before) in got.data().chunks_exact(4).zip(codes.data().chunks_exact(4)) {
        assert!((row[2] + 0.5 - 1.25).abs() < 1e-6, "{row:?}");
        assert_eq!((row[0], row[1], row[3]), (before[0], before[1], before[3]));
    }
    assert!(edit.inverse().is_none());
    let long = Direction::new("long", vec![3.0, 0.0, 0.0, 0.0], 1, None, "t").unwrap();
    let edit = Edit { measure: Measure::To, ..Edit::by(long, 1.0) };
    let error = edited(&toy, &codes, &[edit]).unwrap_err().to_string();
    assert!(error.contains("length 1"), "{error}");
}

#[test]
fn inverse_edits_return_to_the_start() {
    let toy = Toy::named("toy");
    let codes = codes(&toy, 2);
    let rows =
        |k: usize| Direction::new("rows", detw("rows", 8, 1.0), 2, None, format!("{k}")).unwrap();
    let there =
        [Edit::by(learned("a", 0, 0.0), 2.5), Edit::by(rows(0), -1.5).on(Rows::range(1, 2))];
    let back: Vec<Edit> = there.iter().rev().map(|e| e.inverse().unwrap()).collect();
    let moved = edited(&toy, &codes, &there).unwrap();
    let home = edited(&toy, &moved, &back).unwrap();
    // One rounding of numbers below 4 on the way and one back.
    assert!(reelgan_golden::max_abs(home.data(), codes.data()) < 1e-6);
    assert!(reelgan_golden::max_abs(moved.data(), codes.data()) > 1.0);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let toy = Toy::named("toy");
    let codes = codes(&toy, 1);
    let said = |direction: Direction, strength: f32| {
        edited(&toy, &codes, &[Edit::by(direction, strength)]).unwrap_err().to_string()
    };
    assert!(said(learned("a", 0, 0.0), f32::NAN).contains("finite"));
    // Codes of four normal numbers lie 2 from their mean.
    let error = said(learned("a", 0, 0.0), 400.0);
    assert!(error.contains("moves a code by 400.0") && error.contains("give at most"), "{error}");
    let stranger = Identity { name: "other".into(), sha256: "1".repeat(64) };
    let theirs = Direction::new("a", vec![1.0; 4], 1, Some(stranger), "t").unwrap();
    assert!(said(theirs, 1.0).contains("belongs to the generator other"));
    let wide = Direction::new("a", vec![1.0; 5], 1, None, "t").unwrap();
    assert!(said(wide, 1.0).contains("expected (1,4) or (2,4)"));
    assert!(Direction::new("a", vec![0.0; 4], 1, None, "t").is_err());
    assert!(Direction::new("a", vec![f32::NAN; 4], 1, None, "t").is_err());
    let same = learned("a", 1, 0.0);
    assert!(conditional(&same, std::slice::from_ref(&same)).is_err());
}

#[test]
fn names_that_do_not_ship_get_advice() {
    let toy = Toy::named("toy");
    let error = resolved("smlie=1", &toy).unwrap_err().to_string();
    assert!(error.contains("did you mean smile?"), "{error}");
    let error = resolved("wingspan=1", &toy).unwrap_err().to_string();
    assert!(error.contains("there are age, "), "{error}");
    // Those that ship belong to the default generator.
    let error = resolved("age=+20y", &toy).unwrap_err().to_string();
    assert!(error.contains("belongs to the generator mobilestylegan-ffhq-1024"), "{error}");
    assert!(EditSpec::direction_of("motion", 2, toy.identity()).is_err());
}

#[test]
fn directions_that_ship_are_whole() {
    let all = directions::shipped();
    let names: Vec<&str> = all.iter().map(|d| d.name.as_str()).collect();
    for wanted in ["age", "gender", "smile", "yaw", "pitch", "mouth-open", "eyes-open"] {
        assert!(names.contains(&wanted), "{wanted} is not in {names:?}");
    }
    for direction in all {
        let learned = direction.learned.as_ref().expect("a record of how it was learned");
        assert!((direction.length() - 1.0).abs() < 1e-5, "{}", direction.name);
        assert_eq!((direction.rows(), direction.dim()), (1, 512));
        assert!(learned.accuracy > 0.5 && learned.held_out > 0 && learned.per_strength > 0.0);
        assert!(learned.command.starts_with("reelgan directions learn"), "{}", learned.command);
    }
}

fn published(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../checkpoint/tests/golden").join(name)
}

#[test]
fn published_boundaries_are_read_and_fitted_to_other_row_counts() {
    let expected = reelgan_checkpoint::open(&published("npy_expected.safetensors")).unwrap().arrays;
    // InterFaceGAN: (1,512) of f64.
    let w = Direction::open(&published("stylegan_ffhq_smile_w_boundary.npy")).unwrap();
    assert_eq!((w.rows(), w.dim()), (1, 512));
    assert_eq!(w.vectors(), expected["boundary_w"].to_f32());
    // In-domain inversion: (1,14,512), to be used on rows 2 to 5 only.
    let rows = Direction::open(&published("idinvert_expression.npy")).unwrap();
    let all = expected["boundary_layerwise"].to_f32();
    assert_eq!(rows.rows(), 14);
    for k in 0..14 {
        let want =
            if (2..6).contains(&k) { all[k * 512..(k + 1) * 512].to_vec() } else { vec![0.0; 512] };
        assert_eq!(rows.row(k), want, "row {k}");
    }
    // By place; rows beyond the last take the last one.
    let mapped = rows.clone().mapped(16).unwrap();
    assert_eq!(mapped.row(3), rows.row(3));
    assert_eq!((mapped.row(14), mapped.row(15)), (rows.row(13), rows.row(13)));
    assert!(mapped.provenance.contains("14 rows mapped to 16"), "{}", mapped.provenance);
    assert_eq!(mapped.mapped(14).unwrap().vectors(), rows.vectors());
    let source = EditSource::File(published("idinvert_expression.npy"));
    let nobody = Identity { name: "n".into(), sha256: String::new() };
    assert_eq!(source.without_run(18, &nobody).unwrap().rows(), 18);
    let two = rows.mapped(2).unwrap_err().to_string();
    assert!(two.contains("zero everywhere"), "{two}");
}

#[test]
fn codes_are_read_from_files_of_others() {
    let file = published("frame_code.npy");
    let (codes, generator) = read_codes(&file, 18, 512).unwrap();
    assert_eq!((codes.count(), generator), (1, None));
    let error = read_codes(&file, 16, 512).unwrap_err().to_string();
    assert!(error.contains("[N,16,512]"), "{error}");
    assert!(read_codes(Path::new("missing.npy"), 18, 512).is_err());
    let direction = published("stylegan_ffhq_smile_w_boundary.npy");
    assert_eq!(read_codes(&direction, 3, 512).unwrap().0.rows(), 3);
}

#[test]
fn factorised_directions_are_eigenvectors() {
    let store = Store::standard().unwrap();
    let choice = Choice::File { path: path("stylegan2-ffhq-config-f.64px.pt"), resolution: None };
    let generator = generator::load(&store, &choice, &Device::flex()).unwrap();
    let generator = generator.as_ref();
    let rows = Rows::range(1, 3);
    let found = directions::sefa(generator, rows, generator.dim()).unwrap();
    // `A A'` of normalised columns, worked out the long way.
    let dim = generator.dim();
    let mut product = vec![0.0f64; dim * dim];
    for row in 1..3 {
        for weight in generator.style_weights(row) {
            let columns = weight.transpose().into_data().try_into_vec::<f32>().unwrap();
            for column in columns.chunks_exact(dim) {
                let square: f64 = column.iter().map(|&v| f64::from(v).powi(2)).sum();
                for (k, p) in product.iter_mut().enumerate() {
                    *p += f64::from(column[k / dim]) * f64::from(column[k % dim]) / square;
                }
            }
        }
    }
    let mut last = f64::INFINITY;
    for direction in &found {
        let v: Vec<f64> = direction.row(1).iter().map(|&v| f64::from(v)).collect();
        let moved: Vec<f64> = product
            .chunks_exact(dim)
            .map(|row| row.iter().zip(&v).map(|(a, b)| a * b).sum())
            .collect();
        let value: f64 = moved.iter().zip(&v).map(|(a, b)| a * b).sum();
        let off = moved.iter().zip(&v).map(|(a, b)| (a - value * b).abs()).fold(0.0, f64::max);
        // Vectors of f32, eigenvalues up to some ten.
        assert!(off < 1e-5 && value <= last + 1e-6, "{}: {off}", direction.name);
        last = value;
        assert!(direction.row(0).iter().all(|&v| v == 0.0), "row 0 was not asked for");
        assert_eq!(direction.row(1), direction.row(2));
    }
    assert!(directions::sefa(generator, rows, dim + 1).is_err());
    let toy = Toy::named("toy");
    let error = directions::sefa(&toy, Rows::ALL, 2).unwrap_err().to_string();
    assert!(error.contains("directions pca"), "{error}");

    let wide = directions::ganspace(generator, 3, 4000, 1).unwrap();
    assert!(wide.windows(2).all(|pair| pair[0].length() >= pair[1].length()));
    // Codes spread along a principal direction as far as it is long.
    let config =
        generator::SampleConfig { count: 4000, seed: 5, truncation: 1.0, truncated_rows: None };
    let codes = generator::sample_w(generator, &config).unwrap();
    let axis: Vec<f64> = wide[0].row(0).iter().map(|&v| f64::from(v) / wide[0].length()).collect();
    let places: Vec<f64> = codes
        .chunks_exact(dim)
        .map(|w| w.iter().zip(&axis).map(|(a, b)| f64::from(*a) * b).sum())
        .collect();
    let mean = places.iter().sum::<f64>() / 4000.0;
    let deviation = (places.iter().map(|p| (p - mean).powi(2)).sum::<f64>() / 3999.0).sqrt();
    // Two sets of 4000: their deviations differ by a few per cent at most.
    assert!((deviation / wide[0].length() - 1.0).abs() < 0.1, "{deviation} {}", wide[0].length());
    assert!(directions::ganspace(generator, 3, 5, 1).is_err());
}

#[test]
fn flows_change_the_rows_of_their_attribute_and_come_back() {
    let device = Device::flex();
    let flow = open_flow(&path("modellarge10k.small.pt"), &device).unwrap();
    let golden = Golden::open("styleflow_small.safetensors");
    let shape = golden.shape("w");
    // Every row is treated alike: six of them three times make the eighteen of StyleGAN2.
    let codes = Codes::new(3 * shape[1], shape[2], golden.values("w").repeat(3)).unwrap();
    let given = golden.values("attr_source");
    let edit = |attribute: FlowAttribute, target: f32| {
        flow_edited(&flow, &codes, &given, attribute, target, &device)
    };
    let older = edit(FlowAttribute::Age, 50.0).unwrap();
    for row in 0..codes.rows() {
        let part = row * codes.dim()..(row + 1) * codes.dim();
        let moved = max_abs(&older.data()[part.clone()], &codes.data()[part]);
        assert_eq!(moved > 1e-3, FlowAttribute::Age.rows().contains(&row), "row {row}: {moved}");
    }
    // What an attribute is already changes nothing but rounding and integration.
    let age = given[FlowAttribute::Age.place()];
    if (0.0..=65.0).contains(&age) {
        assert!(max_abs(edit(FlowAttribute::Age, age).unwrap().data(), codes.data()) < 1e-3);
    }
    assert!(edit(FlowAttribute::Age, 90.0).unwrap_err().to_string().contains("0 to 65"));
    assert!(edit(FlowAttribute::Yaw, f32::NAN).is_err());
    assert!(flow_edited(&flow, &codes, &given[1..], FlowAttribute::Age, 50.0, &device).is_err());
    assert!("hat".parse::<FlowAttribute>().unwrap_err().to_string().contains("glasses"));
    assert!(open_flow(&path("stylegan2-ffhq-config-f.64px.pt"), &device).is_err());
}
