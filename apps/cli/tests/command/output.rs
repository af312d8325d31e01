//! Where things are said.

use std::io;
use std::process::Stdio;

use crate::program::{Ran, command, words};

#[test]
fn a_reader_that_left_is_no_error() {
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let child = command().args(["models", "list"]).stdout(writer).stderr(Stdio::piped()).spawn();
    let ran = Ran::of(child.unwrap().wait_with_output().unwrap()).worked();
    assert_eq!(ran.stderr, "");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_behind_standard_output_is_an_error() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let child = command().args(["models", "list"]).stdout(full).stderr(Stdio::piped()).spawn();
    Ran::of(child.unwrap().wait_with_output().unwrap()).refused(1, &["standard output"]);
}

#[test]
fn errors_leave_standard_output_alone_even_with_json() {
    words("show no/such/run --json").refused(1, &["no/such/run"]);
}

#[test]
fn nothing_is_coloured_where_there_is_no_terminal() {
    for line in ["show no/such/run", "invert --help", "invert"] {
        let ran = words(line);
        assert!(!ran.stdout.contains('\x1b') && !ran.stderr.contains('\x1b'), "{ran:?}");
    }
}
