use super::*;
use crate::media::{Origin, write_png};

/// Writes flat pictures of this size; picture k has the value k in every channel.
fn pictures(folder: &Path, names: &[&str], (width, height): (usize, usize)) -> Vec<PathBuf> {
    let paths: Vec<_> = names.iter().map(|name| folder.join(name)).collect();
    for (k, path) in paths.iter().enumerate() {
        let images = Images::from_rgb8(height, width, &vec![k as u8; 3 * width * height]).unwrap();
        write_png(path, &images, 0, Origin::Input).unwrap();
    }
    paths
}

fn open(paths: &[PathBuf]) -> Result<Clip> {
    // No ffmpeg may be needed for stills.
    let none = FfmpegSearch { explicit: Some("/absent/ffmpeg".into()), fallback: None };
    Clip::from_paths(paths, &none)
}

fn names(clip: &Clip, selection: Selection) -> Vec<String> {
    clip.read(selection).unwrap().names
}

fn message<T: std::fmt::Debug>(result: Result<T>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn a_folder_is_read_in_natural_order_and_says_what_it_ignores() {
    let folder = tempfile::tempdir().unwrap();
    let order = ["frame_2.png", "frame_10.PNG", "frame_11.jpg"];
    pictures(folder.path(), &order, (4, 3));
    std::fs::write(folder.path().join("notes.txt"), "x").unwrap();
    std::fs::write(folder.path().join("._frame_2.png"), "x").unwrap();
    std::fs::create_dir(folder.path().join("more.png")).unwrap();
    let clip = open(&[folder.path().to_owned()]).unwrap();
    let loaded = clip.read(Selection::default()).unwrap();
    assert_eq!(loaded.names, order);
    assert_eq!([0, 1, 2].map(|k| loaded.images.to_rgb8(k)[0]), [0, 1, 2]);
    let names = ["._frame_2.png", "more.png", "notes.txt"].map(String::from).to_vec();
    assert_eq!(loaded.warnings, [Warning::Ignored { folder: folder.path().to_owned(), names }]);
    assert_eq!(clip.files().len(), 3);
    assert_eq!(clip.video(), None);
}

#[test]
fn one_image_and_several_keep_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let paths = pictures(folder.path(), &["b.png", "a.png"], (4, 3));
    assert_eq!(names(&open(&paths).unwrap(), Selection::default()), ["b.png", "a.png"]);
    assert_eq!(names(&open(&paths[1..]).unwrap(), Selection::default()), ["a.png"]);
    // Known by content, whatever the name.
    let nameless = folder.path().join("nameless");
    std::fs::copy(&paths[0], &nameless).unwrap();
    assert_eq!(names(&open(&[nameless]).unwrap(), Selection::default()), ["nameless"]);
}

#[test]
fn frames_are_chosen() {
    let folder = tempfile::tempdir().unwrap();
    pictures(folder.path(), &["0.png", "1.png", "2.png", "3.png", "4.png"], (2, 2));
    let clip = open(&[folder.path().to_owned()]).unwrap();
    let chosen = |start, stride, count| names(&clip, Selection { start, stride, count });
    assert_eq!(chosen(1, 2, None), ["1.png", "3.png"]);
    assert_eq!(chosen(0, 3, Some(1)), ["0.png"]);
    let few = clip.read(Selection { start: 3, stride: 1, count: Some(5) }).unwrap();
    assert_eq!(few.warnings, [Warning::FewerFrames { wanted: 5, found: 2 }]);
    for (start, stride, count) in
        [(5, 1, None), (0, 0, None), (0, 1, Some(0)), (usize::MAX, 1, None)]
    {
        assert!(matches!(
            clip.frames(Selection { start, stride, count }),
            Err(Error::Value { .. })
        ));
    }
}

#[test]
fn mixed_sizes_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let mut paths = pictures(folder.path(), &["a.png"], (4, 3));
    paths.extend(pictures(folder.path(), &["b.png"], (3, 4)));
    let text = message(open(&paths).unwrap().read(Selection::default()));
    assert!(text.contains("b.png is 3x4 pixels, but") && text.contains("a.png is 4x3"), "{text}");
    assert!(text.contains("one size"), "{text}");
}

#[test]
fn a_bad_picture_ends_the_frames_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let paths = pictures(folder.path(), &["1.png", "2.png", "3.png"], (4, 3));
    std::fs::write(&paths[1], "<html>").unwrap();
    let clip = open(&[folder.path().to_owned()]).unwrap();
    let mut frames = clip.frames(Selection::default()).unwrap();
    assert!(frames.next().unwrap().is_ok());
    assert!(message(frames.next().unwrap()).contains("2.png is not a usable image"));
    assert!(frames.next().is_none());
}

#[test]
fn warnings_of_pictures_come_with_the_clip() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    image::RgbaImage::from_pixel(2, 2, image::Rgba([0, 0, 0, 9])).save(&path).unwrap();
    let loaded = open(std::slice::from_ref(&path)).unwrap().read(Selection::default()).unwrap();
    assert_eq!(loaded.warnings, [Warning::Transparent { path }]);
}

#[test]
fn no_images_and_missing_paths() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path().to_owned();
    assert!(message(open(&[])).contains("no images in the arguments"));
    std::fs::write(here.join("notes.txt"), "x").unwrap();
    let text = message(open(std::slice::from_ref(&here)));
    assert!(text.contains(&format!("no images in {}", here.display())), "{text}");
    let text = message(open(&[here.join("absent.png")]));
    assert!(text.contains("absent.png") && text.contains("check the spelling"), "{text}");
    let image = pictures(&here, &["a.png"], (2, 2)).remove(0);
    let text = message(open(&[image.clone(), here.clone()]));
    assert!(text.contains("is a folder; give several images"), "{text}");
    assert!(message(open(&[image, here.join("notes.txt")])).contains("notes.txt"));
}

#[test]
fn text_and_empty_files_are_refused_without_ffmpeg() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.mp4");
    for (content, says) in [
        ("", "the file is empty"),
        ("<!DOCTYPE html>\n<p>Not found</p>", "it is a text file"),
        ("#EXTM3U\n#EXTINF:1,\nhttp://example.org/\n", "it is a text file"),
        // Cut inside a character by the size of what is looked at.
        (&"ä".repeat(400)[..], "it is a text file"),
        (&format!("x{}", "ä".repeat(400))[..], "it is a text file"),
    ] {
        std::fs::write(&path, content).unwrap();
        let text = message(open(std::slice::from_ref(&path)));
        assert!(text.contains("clip.mp4 has no video stream") && text.contains(says), "{text}");
    }
}

#[test]
fn ffmpeg_is_looked_for_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let missing = |search: &FfmpegSearch, variable: Option<&str>, path: Option<&str>| {
        message(search.find_in(variable.map(Into::into), path.map(Into::into)))
    };
    let nowhere = folder.path().to_str();
    let text = missing(&FfmpegSearch::default(), None, nowhere);
    for hint in [
        "apt install ffmpeg",
        "REELGAN_FFMPEG",
        "reelgan models fetch ffmpeg",
        "folder of numbered images",
    ] {
        assert!(text.contains(hint), "{text}");
    }
    assert_eq!(missing(&FfmpegSearch::default(), Some(""), None), text);

    // What the user named is not replaced by anything else.
    let path = std::env::var_os("PATH");
    let named = |explicit: &str| FfmpegSearch { explicit: Some(explicit.into()), fallback: None };
    assert!(
        message(named("/absent/a").find_in(Some("/absent/b".into()), path.clone()))
            .contains("/absent/a does not start")
    );
    let search = FfmpegSearch::default();
    assert!(
        message(search.find_in(Some("/absent/b".into()), path.clone()))
            .contains("/absent/b does not start")
    );
    assert!(
        message(named("/bin/echo").find_in(None, path.clone())).contains("/bin/echo is no ffmpeg")
    );

    let found =
        search.find_in(None, path.clone()).expect("these tests need ffmpeg: apt install ffmpeg");
    let fallback = FfmpegSearch { explicit: None, fallback: Some(found.program().to_owned()) };
    assert_eq!(fallback.find_in(None, nowhere.map(Into::into)).unwrap(), found);
    let fallback = FfmpegSearch { explicit: None, fallback: Some("/absent/c".into()) };
    assert_eq!(fallback.find_in(None, path).unwrap(), found);
    assert!(missing(&fallback, None, nowhere).contains("none was found"));
}
