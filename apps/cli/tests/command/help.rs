//! Help, version, and command lines that cannot be meant.

use crate::program::words;

const COMMANDS: [&str; 30] = [
    "demo",
    "align",
    "invert",
    "edit",
    "encode",
    "morph",
    "render",
    "show",
    "measure",
    "sample",
    "models",
    "models list",
    "models fetch",
    "models add",
    "models verify",
    "inspect",
    "convert",
    "transfer",
    "sweep",
    "synth",
    "styleflow",
    "editability",
    "directions list",
    "directions info",
    "directions learn",
    "directions measure",
    "directions sefa",
    "directions pca",
    "directions search",
    "train encoder",
];

#[test]
fn every_command_explains_itself_with_examples() {
    for command in COMMANDS.into_iter().chain([""]) {
        let help = words(&format!("{command} --help")).worked().stdout;
        let example = format!("  reelgan {command}");
        assert!(
            help.contains("Examples:") && help.contains(example.trim_end()),
            "{command}: {help}"
        );
        assert!(help.contains("--json") && help.contains("--threads"), "{command}: {help}");
    }
}

#[test]
fn help_of_an_inversion_is_grouped_and_states_ranges() {
    let help = words("invert --help").worked().stdout;
    for part in [
        "Input:",
        "Settings:",
        "Loss weights:",
        "Learning rate and optimiser:",
        "Early end:",
        "0 to below 1",
        "in pixels",
        "no-mac",
        "5000 steps",
        "FlowNet2",
    ] {
        assert!(help.contains(part), "{part}: {help}");
    }
}

#[test]
fn version_is_that_of_the_package() {
    assert_eq!(
        words("--version").worked().stdout,
        concat!("reelgan ", env!("CARGO_PKG_VERSION"), "\n")
    );
}

#[test]
fn a_command_line_that_cannot_be_meant_ends_with_2() {
    for (line, want) in [
        ("invert", "<INPUT>"),
        ("invert a.png", "--output"),
        ("invert a.png -o run --steps 0", "--steps"),
        ("invert a.png -o run --preset quick", "possible values"),
        ("invert a.png -o run --crop 1,2", "x,y,size"),
        ("invert a.png -o run --weigth-pixel 1", "--weight-pixel"),
        ("invert a.png -o run --lr 0", "schedule.peak"),
        ("invert a.png -o run --beta1 NaN", "adam.beta1"),
        ("edit run --along smile.jpg=1", "neither"),
        ("edit run --along motion", "NAME=AMOUNT"),
        ("edit run", "--along"),
        ("encode a.png -o codes", "--encoder"),
        ("encode a.png --encoder e.pt --kind restyle -o codes", "possible values"),
        ("morph run --from 1", "--to"),
        ("morph run --from 1 --to 2 --fps 0", "0.1 to 240"),
        ("render run --frames 0", "numbers from 1"),
        ("sample -o faces.jpg", ".png"),
        ("sample -o faces.png --count 0", "--count"),
        ("sample -o faces.png --truncation NaN", "--truncation"),
        ("show run --threads 0", "--threads"),
        ("measure", "<RUN"),
        ("measure run --pairs a b", "cannot be used with"),
        ("measure --pairs a", "--pairs"),
        ("measure run --metrics psrn", "did you mean psnr?"),
        ("measure run --metrics happiness", "mse, psnr"),
        ("measure run --inception x.pth", "cannot be used with"),
        ("measure --set a b --metrics mse", "--metrics"),
        ("inspect", "<FILE>"),
        ("convert a.pt", "--output"),
        ("convert a.pt -o b.pt", ".safetensors"),
        ("paint", "unrecognized subcommand"),
    ] {
        words(line).refused(2, &[want, "--help"]);
    }
}
