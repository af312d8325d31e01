//! `reelgan batch`: several processes at one list.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::program::{Ran, command, picture, sample};

fn batch(folder: &Path, line: &str) -> Command {
    let mut command = command();
    command.current_dir(folder).arg("batch").args(line.split_whitespace());
    command
}

fn ran(mut command: Command) -> Ran {
    Ran::of(command.output().unwrap())
}

#[test]
fn a_clip_that_fails_does_not_keep_others_from_their_turn() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let list = "absent.mp4 one\nempty.mp4 two\nabsent.mp4 three --steps x\n";
    fs::write(folder.join("clips.txt"), list).unwrap();
    fs::write(folder.join("empty.mp4"), "").unwrap();
    let ended = ran(batch(folder, "clips.txt"));
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert_eq!(lines.len(), 4, "{lines:#?}");
    for (line, parts) in lines.iter().zip([
        ["[1/3] one: failed: ", "check the spelling", "one.log"],
        ["[2/3] two: failed: ", "empty", "two.log"],
        ["[3/3] three: failed: ", "--steps", "three.log"],
        ["3 clips: 0 done", "0 by others", "3 failed"],
    ]) {
        assert!(parts.iter().all(|part| line.contains(part)), "{line}");
    }
    assert!(ended.stderr.contains("error: 3 of 3 clips failed"), "{}", ended.stderr);
    // A part of the list, as data.
    let ended = ran(batch(folder, "clips.txt --shard 2/3 --json"));
    let json = ended.json();
    assert_eq!((&json["failed"], &json["clips"][0]["output"]), (&1.into(), &"two".into()));
    assert_eq!(json["clips"].as_array().unwrap().len(), 1);
    ran(batch(folder, "clips.txt --shard 4/3")).refused(2, &["K from 1 to N"]);
    ran(batch(folder, "absent.txt")).refused(1, &["absent.txt"]);
}

#[test]
fn heavy_processes_that_share_a_list_do_each_clip_once() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path();
    fs::copy(sample("london_001_03.jpg"), folder.join("a.jpg")).unwrap();
    picture(&folder.join("b.png"), 64, 64);
    let list = "options = '--preset fast --steps 1'\n\
        [[clip]]\ninput = 'a.jpg'\noutput = 'runs/a'\noptions = '--crop 241,221,863'\n\
        [[clip]]\ninput = 'b.png'\noutput = 'runs/b'\noptions = ['--crop', '0,0,64']\n";
    fs::write(folder.join("clips.toml"), list).unwrap();
    fs::create_dir(folder.join("runs")).unwrap();
    let begin = |_| {
        batch(folder, "clips.toml --json").stdout(std::process::Stdio::piped()).spawn().unwrap()
    };
    let ended: Vec<Ran> = (0..3)
        .map(begin)
        .collect::<Vec<_>>()
        .into_iter()
        .map(|c| Ran::of(c.wait_with_output().unwrap()))
        .collect();
    let total = |name: &str| ended.iter().map(|r| r.json()[name].as_u64().unwrap()).sum::<u64>();
    assert_eq!((total("done"), total("failed")), (2, 0), "{ended:#?}");
    assert!(ended.iter().all(|r| r.code == Some(0)), "{ended:#?}");
    for name in ["a", "b"] {
        let log =
            fs::read_to_string(folder.join(format!("runs/.reelgan-batch/{name}.log"))).unwrap();
        assert_eq!(log.matches("$ reelgan ").count(), 1, "{log}");
        assert!(folder.join(format!("runs/{name}/report.html")).is_file());
    }
    let again = ran(batch(folder, "clips.toml --json")).worked().json();
    assert_eq!((&again["done"], &again["done_before"]), (&0.into(), &2.into()));
}
