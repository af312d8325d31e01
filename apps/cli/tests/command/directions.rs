//! Directions as a user meets them.

use crate::program::words;

#[test]
fn those_that_ship_are_listed_with_their_figures() {
    let ran = words("directions list --json").worked();
    let all = ran.json();
    let age = all.as_array().unwrap().iter().find(|d| d["name"] == "age").expect("age ships");
    assert_eq!(age["learned"]["unit"], "y");
    assert!(age["learned"]["accuracy"].as_f64().unwrap() > 0.9);
    assert!(age["learned"]["command"].as_str().unwrap().starts_with("reelgan directions learn"));
    assert_eq!(age["generator"]["name"], "mobilestylegan-ffhq-1024");
    let table = words("directions list").worked().stdout;
    assert!(table.contains("age") && table.contains("eyes-open") && table.contains('%'), "{table}");
    let info = words("directions info smile").worked().stdout;
    assert!(info.contains("held-out") && info.contains("seed"), "{info}");
}

#[test]
fn mistakes_are_told() {
    words("directions info smlie").refused(1, &["did you mean smile?"]);
    words("directions info missing.npy").refused(1, &["missing.npy"]);
    words("directions info motion").refused(1, &["belongs to a run"]);
    words("directions learn -o x --attributes eyeglasses")
        .refused(2, &["eyeglasses", "mouth-open"]);
    words("directions learn -o x --count 5").refused(2, &["--count"]);
    words("styleflow a.npy --weights b.pt --attributes c.npy --set age -o x")
        .refused(2, &["age=45"]);
    words("morph run --from 1 --to 2 --easing bouncy").refused(2, &["bouncy", "smooth"]);
}
