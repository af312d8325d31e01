//! A strict reader for tests: what it takes, every XML parser takes.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// The names of all elements in order; panics where `text` is not well-formed XML
/// with one root, known references and unique attributes.
pub(super) fn check(text: &str) -> Vec<String> {
    let bad = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    assert!(!text.contains(bad), "a control character");
    let mut reader = Reader::from_str(text);
    let (mut names, mut depth, mut roots) = (Vec::new(), 0, 0);
    loop {
        let event =
            reader.read_event().unwrap_or_else(|e| panic!("{e} at {}", reader.buffer_position()));
        match event {
            Event::Start(e) => {
                roots += usize::from(depth == 0);
                depth += 1;
                names.push(element(&e));
            }
            Event::Empty(e) => {
                roots += usize::from(depth == 0);
                names.push(element(&e));
            }
            Event::End(_) => depth -= 1,
            Event::GeneralRef(reference) => {
                let name: &str = &reference;
                let known = ["amp", "lt", "gt", "quot", "#39"].contains(&name);
                assert!(known, "unknown reference &{name};");
            }
            Event::Text(words) => {
                let words: &str = &words;
                assert!(depth > 0 || words.trim().is_empty(), "text outside the root: {words}");
                assert!(!words.contains("]]>"), "{words}");
            }
            Event::DocType(_) => assert_eq!(roots, 0),
            Event::Eof => break,
            other => panic!("unexpected {other:?}"),
        }
    }
    assert_eq!((depth, roots), (0, 1), "elements left open, or not one root");
    names
}

fn element(start: &BytesStart) -> String {
    for attribute in start.attributes().with_checks(true) {
        let attribute = attribute.unwrap();
        let value = attribute.value;
        assert!(!value.contains('<'), "{value}");
        for rest in value.split('&').skip(1) {
            let known = ["amp;", "lt;", "gt;", "quot;", "#39;"].iter().any(|r| rest.starts_with(r));
            assert!(known, "unknown reference in {value}");
        }
    }
    start.name().as_ref().to_owned()
}
