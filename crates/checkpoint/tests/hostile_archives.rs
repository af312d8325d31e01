//! Zips, tars and model descriptions made to exhaust or confuse their reader.

use std::io::Write;
use std::time::{Duration, Instant};

use reelgan_checkpoint::{Error, Result, ir, package, read};
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

fn zipped(name: &str, content: &[u8], method: CompressionMethod) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file(name, SimpleFileOptions::default().compression_method(method)).unwrap();
    zip.write_all(content).unwrap();
    zip.finish().unwrap().into_inner()
}

fn member(archive: &[u8], name: &str, max: u64) -> Result<Vec<u8>> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(archive).unwrap();
    let read = package::member(file.path(), name, max);
    read.map_err(|e| match e {
        Error::In { source, .. } => *source,
        other => panic!("{other} does not name the archive"),
    })
}

/// Overwrites the sizes in the central directory (at 20 and 24 of its only record).
fn declare(zip: &mut [u8], packed: Option<u32>, size: u32) {
    let at = zip.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    if let Some(packed) = packed {
        zip[at + 20..at + 24].copy_from_slice(&packed.to_le_bytes());
    }
    zip[at + 24..at + 28].copy_from_slice(&size.to_le_bytes());
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gz.write_all(bytes).unwrap();
    gz.finish().unwrap()
}

#[test]
fn members_of_zips_and_tars() {
    let content = b"weights ".repeat(1000);
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        let zip = zipped("a/b.bin", &content, method);
        assert_eq!(member(&zip, "a/b.bin", 8000).unwrap(), content);
        assert!(matches!(
            member(&zip, "a/b.bin", 7999),
            Err(Error::Limit { got: 8000, limit: 7999, .. })
        ));
        let missing = member(&zip, "a/c.bin", 8000).unwrap_err().to_string();
        assert!(missing.contains("a/c.bin") && missing.contains("a/b.bin"), "{missing}");
    }
    // Names beyond 100 bytes need an extension record in tar.
    for name in ["package/model.bin".to_owned(), format!("package/{}/model.bin", "d".repeat(150))] {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        tar.append_data(&mut header, &name, content.as_slice()).unwrap();
        let tar = gzip(&tar.into_inner().unwrap());
        assert_eq!(member(&tar, &name, 8000).unwrap(), content, "{name}");
        assert!(matches!(member(&tar, &name, 7999), Err(Error::Limit { got: 8000, .. })));
        assert!(matches!(member(&tar, "package", 8000), Err(Error::Missing { .. })));
        assert!(member(&tar[..tar.len() / 2], &name, 8000).is_err());
    }
    assert!(matches!(member(b"neither", "x", 1), Err(Error::Malformed { .. })));
}

#[test]
fn zips_that_lie_about_sizes() {
    let zeros = vec![0; 1 << 20];
    let honest = zipped("z", &zeros, CompressionMethod::Deflated);
    for size in [0, 10, (1 << 20) - 1, (1 << 20) + 1, u32::MAX - 1] {
        let mut zip = honest.clone();
        declare(&mut zip, None, size);
        assert!(member(&zip, "z", u64::MAX).is_err(), "{size} was accepted");
    }
    let mut stored = zipped("z", b"1234", CompressionMethod::Stored);
    declare(&mut stored, Some(u32::MAX - 1), u32::MAX - 1);
    assert!(member(&stored, "z", u64::MAX).is_err());
    let mut changed = zipped("z", b"1234", CompressionMethod::Stored);
    let at = changed.windows(4).position(|w| w == b"1234").unwrap();
    changed[at] = b'9';
    let error = member(&changed, "z", 4).unwrap_err().to_string();
    assert!(error.contains("check sum"), "{error}");
}

/// A thousandfold compressed array is within its declared size and still refused.
#[test]
fn zips_that_explode() {
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (67108864,), }";
    let mut npy = b"\x93NUMPY\x01\x00".to_vec();
    npy.extend((header.len() as u16).to_le_bytes());
    npy.extend(header.as_bytes());
    npy.resize(npy.len() + (256 << 20), 0);
    let npz = zipped("x.npy", &npy, CompressionMethod::Deflated);
    assert!(npz.len() < 1 << 20);
    assert!(matches!(read(&npz), Err(Error::Limit { .. })));
}

#[test]
fn zip_directories_that_lie() {
    let zip = zipped("z", b"1234", CompressionMethod::Stored);
    let end = zip.len() - 22;
    for (at, value) in [(12, u32::MAX), (16, u32::MAX), (16, end as u32), (12, 3)] {
        let mut zip = zip.clone();
        zip[end + at..end + at + 4].copy_from_slice(&value.to_le_bytes());
        assert!(member(&zip, "z", 100).is_err(), "{value} at {at}");
    }
    let mut unsigned = zip.clone();
    let entry = zip.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    unsigned[entry] = 0;
    assert!(member(&unsigned, "z", 100).unwrap_err().to_string().contains("directory"));
    // The 64-bit record may claim any number of members: only bytes that exist are read.
    let mut wide = zip[..end].to_vec();
    let record = wide.len() as u64;
    wide.extend(b"PK\x06\x06");
    wide.extend([0xff; 52]);
    wide.extend(b"PK\x06\x07\0\0\0\0");
    wide.extend(record.to_le_bytes());
    wide.extend([0; 4]);
    wide.extend(&zip[end..]);
    assert!(member(&wide, "z", 100).is_err());
}

#[test]
fn extension_records_of_tar_are_bounded() {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::GNULongName);
    header.set_size(4 << 30);
    header.set_path("././@LongLink").unwrap();
    header.set_cksum();
    let mut tar = header.as_bytes().to_vec();
    tar.resize(1 << 20, b'a');
    assert!(matches!(member(&gzip(&tar), "x", 100), Err(Error::Limit { .. })));
}

const NET: &str =
    r#"<net name="n" version="10"><layers>{layers}</layers><edges>{edges}</edges></net>"#;

fn net(layers: &str, edges: &str) -> String {
    NET.replace("{layers}", layers).replace("{edges}", edges)
}

fn constant(attributes: &str) -> String {
    net(&format!(r#"<layer id="0" name="c" type="Const"><data {attributes}/></layer>"#), "")
}

#[test]
fn constants_are_read_where_they_are() {
    let bin: Vec<u8> = [1.0f32, 2.0, 3.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    let read = |attributes: &str| {
        let graph = ir::Graph::parse(constant(attributes).as_bytes())?;
        graph.constant(&graph.layers()[0], &bin)
    };
    let array = read(r#"element_type="f32" shape="1, 2" offset="4" size="8""#).unwrap();
    assert_eq!((array.shape.as_slice(), array.to_f32()), (&[1, 2][..], vec![2.0, 3.0]));
    assert_eq!(read(r#"element_type="f32" shape="" offset="0" size="4""#).unwrap().to_f32(), [1.0]);
    for attributes in [
        r#"element_type="f32" shape="2" offset="8" size="8""#,
        r#"element_type="f32" shape="2" offset="18446744073709551615" size="8""#,
        r#"element_type="f32" shape="3" offset="0" size="8""#,
        r#"element_type="f32" shape="99999999999, 99999999999" offset="0" size="8""#,
        r#"element_type="f32" shape="-1" offset="0" size="4""#,
        r#"element_type="f4" shape="1" offset="0" size="4""#,
        r#"shape="1" offset="0" size="4""#,
    ] {
        assert!(read(attributes).is_err(), "{attributes}");
    }
}

#[test]
fn descriptions_that_are_wrong() {
    let layer = |id: &str| format!(r#"<layer id="{id}" name="a" type="Add"/>"#);
    let edge = r#"<edge from-layer="0" from-port="0" to-layer="1" to-port="0"/>"#;
    let good = layer("0") + &layer("1");
    assert!(ir::Graph::parse(net(&good, edge).as_bytes()).is_ok());
    for (layers, edges) in [
        (String::new(), ""),
        (layer("0") + &layer("0"), ""),
        (layer("x"), ""),
        (layer("0"), edge),
        (good.clone(), &edge.repeat(2)),
        (r#"<layer id="0"/>"#.into(), ""),
    ] {
        assert!(ir::Graph::parse(net(&layers, edges).as_bytes()).is_err(), "{layers} {edges}");
    }
    for text in [
        "",
        "<net",
        "<html></html>",
        "<net><layers><layer id='0' name='a' type='b'>",
        "\u{feff}<a></b>",
    ] {
        assert!(ir::Graph::parse(text.as_bytes()).is_err(), "{text}");
    }
    assert!(ir::Graph::parse(b"\xff\xfe<net>").is_err());
}

#[test]
fn xml_bombs() {
    let start = Instant::now();
    let mut entities = String::from("<!DOCTYPE net [<!ENTITY a \"aaaaaaaaaa\">");
    for (from, to) in ('a'..='y').zip('b'..='z') {
        entities += &format!("<!ENTITY {to} \"{}\">", format!("&{from};").repeat(10));
    }
    let bomb = format!("{entities}]><net name=\"&z;\"><layers/></net>");
    assert!(matches!(ir::Graph::parse(bomb.as_bytes()), Err(Error::Unsupported { .. })));
    let deep = "<net>".repeat(1_000_000);
    assert!(matches!(ir::Graph::parse(deep.as_bytes()), Err(Error::Limit { .. })));
    let many = net(
        &(0..30_000).map(|k| format!(r#"<layer id="{k}" name="a" type="b"/>"#)).collect::<String>(),
        "",
    );
    assert!(matches!(ir::Graph::parse(many.as_bytes()), Err(Error::Limit { .. })));
    assert!(start.elapsed() < Duration::from_secs(60));
}

/// Following a graph that loops comes to an end.
#[test]
fn graphs_with_cycles() {
    let layers = [
        ("0", "ReduceMean"),
        ("1", "Const"),
        ("2", "Add"),
        ("3", "MatMul"),
        ("4", "PReLU"),
        ("5", "Multiply"),
    ];
    let layers: String = layers
        .iter()
        .map(|(id, kind)| {
            format!(
                r#"<layer id="{id}" name="m" type="{kind}"><data element_type="f32" shape="1" offset="0" size="4" transpose_b="true"/></layer>"#
            )
        })
        .collect();
    let ends =
        [(0, 2, 0), (1, 2, 1), (5, 3, 0), (1, 3, 1), (3, 2, 2), (2, 4, 0), (4, 5, 0), (1, 5, 1)];
    let edges: String = ends
        .iter()
        .map(|(from, to, port)| {
            format!(r#"<edge from-layer="{from}" from-port="0" to-layer="{to}" to-port="{port}"/>"#)
        })
        .collect();
    let xml = net(&layers, &edges);
    assert!(ir::mobilestylegan(xml.as_bytes(), &[0; 4], xml.as_bytes(), &[0; 4]).is_err());
}
