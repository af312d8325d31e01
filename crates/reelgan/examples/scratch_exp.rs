use reelgan::prelude::*;
use reelgan::metric::*;
use reelgan::invert::*;
use std::time::Instant;
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let get = |k: &str, d: f64| args.iter().find_map(|a| a.strip_prefix(&format!("{k}="))).map_or(d, |v| v.parse().unwrap());
    let gets = |k: &str, d: &str| args.iter().find_map(|a| a.strip_prefix(&format!("{k}="))).unwrap_or(d).to_string();
    let models = Store::standard().unwrap();
    let device = Device::flex();
    let generator = generator::open(&models, generator::DEFAULT_GENERATOR, &device).unwrap();
    let nets = perceptual::open(&models, &device).unwrap();
    let input = gets("input", "demo");
    let home = std::env::var("HOME").unwrap();
    let read = |p: &str, start, stride, count, crop: [f64; 3]| {
        let c = Clip::open(p).unwrap();
        let f = c.read(Selection { start, stride, count: Some(count) }).unwrap().images;
        f.fit(Crop { x: crop[0], y: crop[1], size: crop[2], angle: get("angle", 0.0) }, 1024).unwrap().quantised()
    };
    let n = get("n", 5.0) as usize;
    let frames = match input.as_str() {
        "demo" => read(&format!("{home}/.cache/reelgan/clips/carphone.mp4"), 52, 1, n, [34., 13., 98.]),
        "grid" => read("samples/GRID_bbaf2n.mpg", 30, 2, n, [60., 66., 189.]),
        "l1" => Images::from_frames(vec![read("samples/london_001_03.jpg", 0, 1, 1, [241., 221., 863.]), read("samples/london_001_08.jpg", 0, 1, 1, [238., 297., 854.])]).unwrap(),
        "l2" => Images::from_frames(vec![read("samples/london_002_03.jpg", 0, 1, 1, [229., 177., 924.]), read("samples/london_002_08.jpg", 0, 1, 1, [210., 231., 928.])]).unwrap(),
        _ => panic!(),
    };
    let mut config: InvertConfig = gets("preset", "default").parse::<Preset>().unwrap().config();
    config.steps = get("steps", config.steps as f64) as usize;
    config.schedule.peak = get("lr", config.schedule.peak);
    config.schedule.offset_rate = get("or", config.schedule.offset_rate);
    config.schedule.ramp_up = get("up", config.schedule.ramp_up);
    config.schedule.ramp_down = get("down", config.schedule.ramp_down);
    config.weights.pixel = get("px", config.weights.pixel as f64) as f32;
    config.weights.perceptual = get("pc", config.weights.perceptual as f64) as f32;
    config.weights.lpips = get("lp", config.weights.lpips as f64) as f32;
    config.weights.consistency = get("icc", config.weights.consistency as f64) as f32;
    config.adam.beta2 = get("b2", config.adam.beta2 as f64) as f32;
    config.adam.beta1 = get("b1", config.adam.beta1 as f64) as f32;
    if gets("off", "") == "w+" { config.offsets = Offsets::WPlus; }
    if gets("off", "") == "free" { config.offsets = Offsets::Free; }
    let flow = DenseFlow::default();
    let t0 = Instant::now();
    let mut tf = t0.elapsed();
    let run = Inverter::new(&generator, &nets, &flow, config.clone()).unwrap().run(&frames, &mut |e: &Event<'_>| {
        match e {
            Event::Flow { .. } => tf = t0.elapsed(),
            Event::Step { record, .. } if record.step % 25 == 0 => eprintln!("{} {:?} {:.1}s", record.step, record.terms, t0.elapsed().as_secs_f64()),
            _ => {}
        }
        std::ops::ControlFlow::Continue(())
    }).unwrap();
    let secs = t0.elapsed().as_secs_f64();
    let images = generator::render(&generator, &run.codes()).unwrap();
    let lp = LpipsVgg256::new(nets.lpips().clone(), device.clone());
    let mean = |m: &dyn Metric| (0..frames.count()).map(|k| m.measure(&frames, &images, k).unwrap()).sum::<f64>() / frames.count() as f64;
    let b = run.best.as_ref().unwrap();
    let t = run.history[b.step].terms;
    // distance of rows to the mean code
    let codes = run.codes(); let m = generator.mean_code();
    let dist: f64 = codes.data().chunks(512).map(|r| r.iter().zip(m).map(|(a,b)| ((a-b)*(a-b)) as f64).sum::<f64>().sqrt()).sum::<f64>() / (codes.count()*16) as f64;
    println!("{} | {} | steps {} | flow {:.1}s total {:.1}s | loss {:.4} paperloss {:.4} pix {:.4} perc {:.3} icc {:.4} | LPIPS {:.4} MSE {:.5} | dist {:.2}", input, args[1..].join(" "), config.steps, tf.as_secs_f64(), secs, t.total, t.pixel+t.perceptual+t.consistency, t.pixel, t.perceptual, t.consistency, mean(&lp), mean(&Mse), dist);
    let out = gets("out", "");
    if !out.is_empty() {
        std::fs::create_dir_all(&out).unwrap();
        for k in 0..frames.count() {
            media::write_png(format!("{out}/in{k}.png").as_ref(), &frames, k, media::Origin::Input).unwrap();
            media::write_png(format!("{out}/rec{k}.png").as_ref(), &images, k, media::Origin::Synthetic).unwrap();
        }
        reelgan::codes::CodeFile { generator: generator.identity().clone(), trajectory: run.trajectory.clone() }.save(format!("{out}/codes.safetensors").as_ref()).unwrap();
        if frames.count() > 1 {
        let motion = Direction::motion(&run.trajectory, None, generator.identity()).unwrap();
        for (i, s) in [-1.5f32, 1.5].iter().enumerate() {
            let e = edited(&generator, &run.codes().select(&[0]).unwrap(), &[Edit { direction: motion.clone(), strength: *s, rows: Rows::ALL }]).unwrap();
            let im = generator::render(&generator, &e).unwrap();
            media::write_png(format!("{out}/motion{i}.png").as_ref(), &im, 0, media::Origin::Synthetic).unwrap();
        }}
    }
}
