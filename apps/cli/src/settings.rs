//! The flags of an inversion's settings: one for every key of the TOML file.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use reelgan::invert::Preset;
use toml::Value;

/// Settings of the inversion. What is not given is taken from the file, then the preset.
#[derive(Debug, Clone, Default, Args)]
pub struct Settings {
    /// The named settings to begin from [default: default]
    #[arg(long, value_name = "NAME", value_parser = preset(), help_heading = SETTINGS)]
    pub preset: Option<Preset>,
    /// Settings from a TOML file, any subset of the keys of RUN/config.toml; they win over the
    /// preset, and flags win over them
    #[arg(long, value_name = "FILE.toml", help_heading = SETTINGS)]
    pub config: Option<PathBuf>,
    /// Steps of the optimiser, 1 or more
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = SETTINGS)]
    steps: Option<u32>,
    /// Seed of everything random, 0 to 2^63-1
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(0..), help_heading = SETTINGS)]
    seed: Option<i64>,
    /// What is optimised: the codes, or after them the noise of every frame, too
    #[arg(long, value_name = "SPACE", value_parser = ["w+", "w+,noise"], help_heading = SETTINGS)]
    space: Option<String>,
    /// Steps between frames: one vector of W, a vector for each row, or none at all
    #[arg(long, value_name = "SPACE", value_parser = ["w", "w+", "free"], help_heading = SETTINGS)]
    offsets: Option<String>,
    /// Where the optimisation starts: the mean of W, zeros, or what a map learned from the
    /// generator's own samples sees in the frames
    #[arg(long, value_name = "CODE", value_parser = ["mean", "zeros", "learned"], help_heading = SETTINGS)]
    start_code: Option<String>,
    /// Noise inputs: always the same, or new at every synthesis
    #[arg(long, value_name = "MODE", value_parser = ["fixed", "fresh"], help_heading = SETTINGS)]
    noise: Option<String>,
    /// Frames that serve as base of the consistency term
    #[arg(long, value_name = "FRAMES", value_parser = ["first", "all"], help_heading = SETTINGS)]
    consistency_base: Option<String>,

    /// Weight of the mean squared pixel difference, 0 or more; 0 switches a term off
    #[arg(long, value_name = "W", help_heading = WEIGHTS)]
    weight_pixel: Option<f64>,
    /// Weight of the VGG16 feature difference, 0 or more
    #[arg(long, value_name = "W", help_heading = WEIGHTS)]
    weight_perceptual: Option<f64>,
    /// Weight of LPIPS (VGG16, 256 px; not in the paper), 0 or more
    #[arg(long, value_name = "W", help_heading = WEIGHTS)]
    weight_lpips: Option<f64>,
    /// Weight of the consistency along the optical flow, 0 or more
    #[arg(long, value_name = "W", help_heading = WEIGHTS)]
    weight_consistency: Option<f64>,
    /// Weight of the consistency across frames with occlusion masks, 0 or more
    #[arg(long, value_name = "W", help_heading = WEIGHTS)]
    weight_cross_frame: Option<f64>,
    /// Weight of LPIPS of the inner face with twice the detail, in pictures aligned as those of FFHQ,
    /// 0 or more
    #[arg(long, value_name = "W", help_heading = WEIGHTS)]
    weight_face: Option<f64>,

    /// Weight of the change of the code from frame to frame, 0 or more
    #[arg(long, value_name = "W", help_heading = WEIGHTS)]
    weight_smoothness: Option<f64>,
    /// Weight of the distance of the rows of a code from each other, 0 or more: it keeps codes
    /// near those that the generator draws, so that edits work
    #[arg(long, value_name = "W", help_heading = WEIGHTS)]
    weight_spread: Option<f64>,

    /// Highest learning rate, above 0
    #[arg(long, value_name = "RATE", help_heading = OPTIMISER)]
    lr: Option<f64>,
    /// Rate of the steps between frames relative to that of the base code, 0 or more
    #[arg(long, value_name = "FACTOR", help_heading = OPTIMISER)]
    offset_rate: Option<f64>,
    /// Share of the steps in which the rate goes up, 0 to 1
    #[arg(long, value_name = "SHARE", help_heading = OPTIMISER)]
    ramp_up: Option<f64>,
    /// Share of the steps in which the rate goes down, 0 to 1
    #[arg(long, value_name = "SHARE", help_heading = OPTIMISER)]
    ramp_down: Option<f64>,
    /// Share of the steps that look at the first frame alone and move all codes with it, 0 to below 1
    #[arg(long, value_name = "SHARE", help_heading = OPTIMISER)]
    lead: Option<f64>,
    /// What pictures are compared by in those steps: the losses of the run, or LPIPS and pixels, which
    /// lead past the flat picture that the paper's features fall into at high rates
    #[arg(long, value_name = "LOSSES", value_parser = ["own", "lpips"], help_heading = OPTIMISER)]
    lead_losses: Option<String>,
    /// Frames that a step looks at after those, taking turns; 0 for all of them
    #[arg(long, value_name = "N", help_heading = OPTIMISER)]
    turn: Option<u32>,
    /// Axes in which steps are measured: the numbers of a code, or the principal axes of W in standard
    /// deviations
    #[arg(long, value_name = "AXES", value_parser = ["plain", "whitened"], help_heading = OPTIMISER)]
    axes: Option<String>,
    /// Numbers that the generator's gradients are multiplied from: bf16 is quicker on a CPU with
    /// instructions for it (AVX512-BF16) and wrong by some 0.4 %; images are f32 in either case
    #[arg(long, value_name = "NUMBERS", value_parser = ["f32", "bf16"], help_heading = OPTIMISER)]
    gradients: Option<String>,
    /// Adam: decay of the mean of gradients, 0 to below 1
    #[arg(long, value_name = "DECAY", help_heading = OPTIMISER)]
    beta1: Option<f64>,
    /// Adam: decay of the mean of squared gradients, 0 to below 1
    #[arg(long, value_name = "DECAY", help_heading = OPTIMISER)]
    beta2: Option<f64>,
    /// Adam: added to the root of the second mean, above 0
    #[arg(long, value_name = "NUMBER", help_heading = OPTIMISER)]
    epsilon: Option<f64>,

    /// Steps for the noise of each frame, 1 or more
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = NOISE)]
    noise_steps: Option<u32>,
    /// Learning rate of the noise, in units of its own deviation, above 0
    #[arg(long, value_name = "RATE", help_heading = NOISE)]
    noise_lr: Option<f64>,
    /// Weight of the mean squared pixel difference, 0 or more
    #[arg(long, value_name = "W", help_heading = NOISE)]
    noise_weight_pixel: Option<f64>,
    /// Weight of the consistency along the optical flow, 0 or more
    #[arg(long, value_name = "W", help_heading = NOISE)]
    noise_weight_consistency: Option<f64>,

    /// Frames of a window, 2 or more: a longer clip is worked through window by window
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..), help_heading = WINDOWS)]
    window: Option<u32>,
    /// Frames that each later window adds, 1 to one less than it has, the rest being frames of the
    /// window before; 0 for all but one
    #[arg(long, value_name = "N", help_heading = WINDOWS)]
    window_stride: Option<u32>,
    /// Steps for the first of several windows, as a multiple of --steps, above 0: what has not
    /// settled there goes on changing over the frames after it
    #[arg(long, value_name = "TIMES", help_heading = WINDOWS)]
    window_settle: Option<f64>,
    /// Steps for each later window, as a part of --steps, above 0
    #[arg(long, value_name = "PART", help_heading = WINDOWS)]
    window_effort: Option<f64>,
    /// Highest learning rate of a later window, as a part of that of the first, above 0
    #[arg(long, value_name = "PART", help_heading = WINDOWS)]
    window_rate: Option<f64>,
    /// How fast the base code may drift inside a later window, as a part of the learning rate;
    /// 0 holds it
    #[arg(long, value_name = "PART", help_heading = WINDOWS)]
    window_drift: Option<f64>,
    /// Frames on each side that the codes of a clip of several windows are averaged with, 0 to 25,
    /// against flicker: 0 keeps each as it was found
    #[arg(long, value_name = "N", help_heading = WINDOWS)]
    window_blur: Option<u32>,
    /// Rows of the codes from this one on are the same for all frames of a shot; 0 shares none
    #[arg(long, value_name = "ROW", help_heading = WINDOWS)]
    shared_from: Option<u32>,

    /// End when the total loss is at most this; 0 switches it off
    #[arg(long, value_name = "LOSS", help_heading = STOP)]
    target: Option<f64>,
    /// End when the loss stopped falling over this many steps; 0 switches it off
    #[arg(long, value_name = "N", help_heading = STOP)]
    plateau_steps: Option<u32>,
    /// Relative fall over those steps that still counts as progress, 0 or more
    #[arg(long, value_name = "SHARE", help_heading = STOP)]
    plateau_tolerance: Option<f64>,
}

const SETTINGS: &str = "Settings";
const WEIGHTS: &str = "Loss weights";
const OPTIMISER: &str = "Learning rate and optimiser";
const NOISE: &str = "Noise stage (--space w+,noise)";
const WINDOWS: &str = "Long clips";
const STOP: &str = "Early end";

/// A key of the TOML file and what a flag puts there.
pub type Override = (&'static str, Value);

impl Settings {
    /// Those of the demo.
    pub fn of(preset: Option<Preset>, steps: Option<u32>) -> Self {
        Self { preset, steps, ..Self::default() }
    }

    /// The keys that flags set.
    pub fn overrides(&self) -> Vec<Override> {
        let word = |v: &Option<String>| v.clone().map(Value::String);
        let float = |v: Option<f64>| v.map(Value::Float);
        let count = |v: Option<u32>| v.map(|v| Value::Integer(v.into()));
        [
            ("steps", count(self.steps)),
            ("seed", self.seed.map(Value::Integer)),
            ("space", word(&self.space)),
            ("offsets", word(&self.offsets)),
            ("start", word(&self.start_code)),
            ("noise", word(&self.noise)),
            ("consistency_base", word(&self.consistency_base)),
            ("weights.pixel", float(self.weight_pixel)),
            ("weights.perceptual", float(self.weight_perceptual)),
            ("weights.lpips", float(self.weight_lpips)),
            ("weights.consistency", float(self.weight_consistency)),
            ("weights.cross_frame", float(self.weight_cross_frame)),
            ("weights.face", float(self.weight_face)),
            ("weights.smoothness", float(self.weight_smoothness)),
            ("weights.spread", float(self.weight_spread)),
            ("schedule.peak", float(self.lr)),
            ("schedule.offset_rate", float(self.offset_rate)),
            ("schedule.ramp_up", float(self.ramp_up)),
            ("schedule.ramp_down", float(self.ramp_down)),
            ("schedule.lead", float(self.lead)),
            ("lead_losses", word(&self.lead_losses)),
            ("schedule.turn", count(self.turn)),
            ("axes", word(&self.axes)),
            ("gradients", word(&self.gradients)),
            ("adam.beta1", float(self.beta1)),
            ("adam.beta2", float(self.beta2)),
            ("adam.epsilon", float(self.epsilon)),
            ("noise_stage.steps", count(self.noise_steps)),
            ("noise_stage.rate", float(self.noise_lr)),
            ("noise_stage.pixel", float(self.noise_weight_pixel)),
            ("noise_stage.consistency", float(self.noise_weight_consistency)),
            ("windows.size", count(self.window)),
            ("windows.stride", count(self.window_stride)),
            ("windows.settle", float(self.window_settle)),
            ("windows.effort", float(self.window_effort)),
            ("windows.rate", float(self.window_rate)),
            ("windows.drift", float(self.window_drift)),
            ("windows.blur", count(self.window_blur)),
            ("windows.shared_from", count(self.shared_from)),
            ("stop.target", float(self.target)),
            ("stop.plateau_steps", count(self.plateau_steps)),
            ("stop.plateau_tolerance", float(self.plateau_tolerance)),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)))
        .collect()
    }

    /// Whether any setting was given.
    pub fn given(&self) -> bool {
        self.preset.is_some() || self.config.is_some() || !self.overrides().is_empty()
    }
}

/// The names of the presets, each with what it is for.
pub fn preset() -> impl TypedValueParser<Value = Preset> {
    let values = Preset::ALL.map(|preset| PossibleValue::new(preset.name()).help(purpose(preset)));
    PossibleValuesParser::new(values)
        .map(|name| name.parse::<Preset>().expect("the parser lets names of presets through only"))
}

fn purpose(preset: Preset) -> &'static str {
    match preset {
        Preset::Default => "the best all-round choice",
        Preset::Fast => "a usable result soon",
        Preset::Paper => "the paper: 5000 steps at a constant rate, all weights 1",
        Preset::PaperQuick => {
            "the paper's losses in a twentieth of its time, nearly as low on the demo clip"
        }
        Preset::OursPlusPlus => "the paper, and after the codes the noise of every frame",
        Preset::I2sPlusPlus => {
            "Image2StyleGAN++: i2s, and after the codes the noise, on pixels alone"
        }
        Preset::I2s => "Image2StyleGAN: free codes, no consistency; the baseline",
        Preset::NoMac => "the paper without the mutually accessible constraint",
        Preset::NoIcc => "the paper without the inversion consistency constraint",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::Parser;

    use super::*;
    use crate::config::keys;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        settings: Settings,
    }

    const EVERY_FLAG: &str = "x --steps 7 --seed 3 --offsets w+ --start-code zeros --noise fresh \
        --consistency-base all --weight-pixel 1 --weight-perceptual 2 --weight-consistency 3 \
        --weight-cross-frame 4 --weight-lpips 5 --lr 0.5 --offset-rate 0.2 --ramp-up 0.1 --ramp-down 0.2 --lead 0.5 --lead-losses lpips --turn 1 --axes whitened --gradients bf16 --beta1 0.3 --beta2 0.4 \
        --epsilon 1e-6 --space w+,noise --noise-steps 4 --noise-lr 0.1 --noise-weight-pixel 2 \
        --noise-weight-consistency 0.5 --weight-face 0.25 --weight-smoothness 1 --weight-spread 0.5 --window 6 --window-stride 3 \
        --window-settle 2 --window-effort 0.5 --window-rate 0.4 --window-drift 0.3 --window-blur 4 --shared-from 9 --target 0.7 --plateau-steps 9 --plateau-tolerance 0.01";

    #[test]
    fn every_key_has_a_flag() {
        let line = Line::try_parse_from(EVERY_FLAG.split_whitespace()).ok().unwrap();
        let set: BTreeSet<String> =
            line.settings.overrides().into_iter().map(|(key, _)| key.to_string()).collect();
        let mut all: BTreeSet<String> = keys().into_iter().collect();
        all.remove("preset");
        assert_eq!(set, all);
        assert!(line.settings.given());
        assert!(!Settings::default().given());
    }
}
