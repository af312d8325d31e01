//! Methods compared on synthesised sequences: the same again, going on, equal time.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use burn::tensor::Device;
use reelgan::codes::Direction;
use reelgan::directions::CodePrior;
use reelgan::evaluate::{
    CompareKit, CompareRequest, Comparison, EditJudge, Effort, Stand, compare, table,
};
use reelgan::face::{FaceReader, Finding};
use reelgan::flow::DenseFlow;
use reelgan::generator::Generator;
use reelgan::invert::Preset;
use reelgan::metric::{LpipsAt, LpipsSize, Mse};
use reelgan::perceptual::{self, PerceptualNets};
use reelgan::synth::{Set, SynthConfig};
use reelgan_models::Store;

mod job_toy;

use job_toy::{Toy, contents};

struct Bench {
    toy: Toy,
    nets: PerceptualNets,
    lpips: LpipsAt,
    reader: FaceReader,
    prior: CodePrior,
    flow: DenseFlow,
}

impl Bench {
    fn new() -> Self {
        let (toy, device) = (Toy::named("toy"), Device::flex());
        let store = Store::standard().expect("a cache for models");
        let nets = perceptual::open(&store, &device).expect("run `reelgan models fetch` first");
        Self {
            lpips: LpipsAt::new(nets.lpips().clone(), LpipsSize::Native, device.clone()),
            reader: FaceReader::with(&store, Finding::default(), &device)
                .expect("run `reelgan models fetch face-nets` first"),
            prior: CodePrior::of(&toy, 200, 0).unwrap(),
            flow: DenseFlow::default(),
            toy,
            nets,
        }
    }

    fn kit(&self) -> CompareKit<'_> {
        CompareKit {
            judge: EditJudge {
                generator: &self.toy,
                lpips: &self.lpips,
                mse: &Mse,
                reader: &self.reader,
                prior: &self.prior,
            },
            nets: &self.nets,
            flow: &self.flow,
        }
    }
}

fn set(toy: &dyn Generator, folder: &Path) -> Set {
    let axis = |k: usize| (0..4).map(|i| if i == k { 0.3 } else { 0.0 }).collect();
    let directions: Vec<Direction> = (0..4)
        .map(|k| Direction::new(format!("d{k}"), axis(k), 1, None, "test").unwrap())
        .collect();
    let config = SynthConfig { count: 1, frames: 2, ..SynthConfig::default() };
    Set::create(toy, &directions, &config, folder).unwrap();
    Set::open(folder).unwrap()
}

fn go_on(_: &Stand<'_>) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

#[test]
fn methods_are_compared_and_taken_up_again() {
    let (home, bench) = (tempfile::tempdir().unwrap(), Bench::new());
    let (kit, set) = (bench.kit(), set(&bench.toy, &home.path().join("set")));
    let request = CompareRequest {
        presets: vec![Preset::I2s, Preset::Default],
        means: Some(Preset::Fast),
        effort: Effort::Steps(7),
        count: 9,
        out: home.path().join("a"),
    };
    let whole = compare(&kit, &set, &request, &mut go_on).unwrap();
    assert!(whole.finished);
    let order: Vec<_> = whole.records.iter().map(|r| (r.sequence, r.preset)).collect();
    let (i2s, default) = (Preset::I2s, Preset::Default);
    assert_eq!(order, [(1, i2s), (1, default)]);
    for record in &whole.records {
        let e = record.editability;
        // No face can be read from the toy's waves.
        assert_eq!((e.response, e.identity), (None, None));
        assert!(e.mse > 0.0 && e.edit_mse > 0.0 && e.domain > 0.0, "{e:?}");
        assert_eq!((record.steps, record.means), (7, Some(Preset::Fast)));
    }
    assert!(home.path().join("a/sheet.png").exists());
    let words = fs::read_to_string(home.path().join("a/editability.md")).unwrap();
    assert_eq!(words, table(&request.presets, &whole.records));
    assert_eq!(words.lines().count(), 4, "{words}");

    // Ended in its second inversion, it goes on to the same records but for their seconds.
    let other = CompareRequest { out: home.path().join("b"), ..request.clone() };
    let mut until_second = |stand: &Stand<'_>| match stand.done[0] {
        1.. => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    let part = compare(&kit, &set, &other, &mut until_second).unwrap();
    assert_eq!((part.finished, part.records.len()), (false, 1));
    let rest = compare(&kit, &set, &other, &mut go_on).unwrap();
    assert_eq!(rest.records[..1], part.records[..]);
    let judged = |c: &Comparison| c.records.iter().map(|r| r.editability).collect::<Vec<_>>();
    assert_eq!(judged(&rest), judged(&whole));
    // What is done is read and not made: the watcher hears nothing.
    let silent = compare(&kit, &set, &other, &mut |_| panic!("nothing is left")).unwrap();
    assert_eq!(silent.records, rest.records);

    let record = home.path().join("b/sequences/0001-i2s-by-fast-7.json");
    fs::write(&record, "{}").unwrap();
    let error = compare(&kit, &set, &other, &mut go_on).unwrap_err().to_string();
    assert!(error.contains("0001-i2s-by-fast-7.json") && error.contains("remove it"), "{error}");
}

#[test]
fn equal_time_is_measured_once() {
    let (home, bench) = (tempfile::tempdir().unwrap(), Bench::new());
    let (kit, set) = (bench.kit(), set(&bench.toy, &home.path().join("set")));
    let out = home.path().join("timed");
    let request = CompareRequest {
        presets: vec![Preset::I2s, Preset::NoIcc],
        means: Some(Preset::Default),
        effort: Effort::Seconds(2.0),
        count: 1,
        out: out.clone(),
    };
    // Paces of a machine that makes five passes a second, and ten.
    fs::create_dir_all(&out).unwrap();
    let paces = r#"{
        "i2s by means of default": { "before": 0.0, "pass": 0.1 },
        "no-icc by means of default": { "before": 1.0, "pass": 0.2 }
    }"#;
    fs::write(out.join("paces.json"), paces).unwrap();
    let compared = compare(&kit, &set, &request, &mut go_on).unwrap();
    // Two frames a step for the one. The other's few steps have no lead: one frame in its turn,
    // then both, twice.
    let steps: Vec<_> = compared.records.iter().map(|r| r.steps).collect();
    assert_eq!(steps, [10, 3]);
    // Another method is timed, and its pace kept.
    let more = CompareRequest { presets: vec![Preset::NoMac], ..request.clone() };
    let more = CompareRequest { effort: Effort::Seconds(5.0), ..more };
    assert!(compare(&kit, &set, &more, &mut go_on).unwrap().records[0].steps > 0);
    let kept = fs::read_to_string(out.join("paces.json")).unwrap();
    assert!(kept.contains("no-mac by means of default"), "{kept}");
    let short = CompareRequest { effort: Effort::Seconds(0.1), ..request.clone() };
    let error = compare(&kit, &set, &short, &mut go_on).unwrap_err().to_string();
    assert!(error.contains("too few"), "{error}");
    let none = CompareRequest { presets: Vec::new(), ..request };
    assert!(compare(&kit, &set, &none, &mut go_on).is_err());
    assert!(contents(&out).contains_key("editability.md"));
}
